"""Makes a Qwen3 with random weights for vLLM, in the folder that the command line names first: 1 MB, the same bytes each
time. In each further folder it makes an adapter (LoRA, as PEFT writes it) for that model, each of other weights.

Runs with vLLM's own Python, for its tokenizers and numpy. Tokens of the BPE are words of two syllables and parts of them;
the end token and all that is no word has a row of zeros in the output matrix, so an answer is as long as it was asked to be."""

import json
import struct
import sys
from pathlib import Path

import numpy
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

LAYERS, HIDDEN, HEADS, KV_HEADS, HEAD, FEED, VOCABULARY = 2, 64, 2, 1, 32, 128, 2048  # vLLM on processors wants 32 a head
CONTEXT = 2048
SYLLABLES = [first + second for first in "bdfgklmnprstv" for second in "aeiouy"]
TEMPLATE = ("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
            "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")
MARKS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def tokenizer():
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    words = [f" {first}{second}" for first in SYLLABLES for second in SYLLABLES]
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=MARKS, show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    bpe.train_from_iterator(words, trainer)
    return bpe


def weights(words_from):
    """Name and values of each tensor, in float32 already cut to what bfloat16 holds."""
    random = numpy.random.default_rng(1)

    def matrix(rows, columns):
        return random.standard_normal((rows, columns)).astype(numpy.float32) * columns**-0.5

    yield "model.embed_tokens.weight", matrix(VOCABULARY, HIDDEN) * 8
    for layer in range(LAYERS):
        for name, shape in (("self_attn.q_proj", (HEADS * HEAD, HIDDEN)), ("self_attn.k_proj", (KV_HEADS * HEAD, HIDDEN)),
                            ("self_attn.v_proj", (KV_HEADS * HEAD, HIDDEN)), ("self_attn.o_proj", (HIDDEN, HEADS * HEAD)),
                            ("mlp.gate_proj", (FEED, HIDDEN)), ("mlp.up_proj", (FEED, HIDDEN)), ("mlp.down_proj", (HIDDEN, FEED))):
            yield f"model.layers.{layer}.{name}.weight", matrix(*shape)
        for name, size in (("input_layernorm", HIDDEN), ("post_attention_layernorm", HIDDEN), ("self_attn.q_norm", HEAD),
                           ("self_attn.k_norm", HEAD)):
            yield f"model.layers.{layer}.{name}.weight", numpy.ones(size, numpy.float32)
    yield "model.norm.weight", numpy.ones(HIDDEN, numpy.float32)
    head = matrix(VOCABULARY, HIDDEN) * 4
    head[:words_from] = 0
    yield "lm_head.weight", head


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, values in tensors:
        halves = (values.view(numpy.uint32) >> 16).astype(numpy.uint16)  # bfloat16: the upper half
        header[name] = {"dtype": "BF16", "shape": list(values.shape), "data_offsets": [len(data), len(data) + halves.nbytes]}
        data += halves.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def make(folder):
    folder.mkdir(parents=True, exist_ok=True)
    bpe = tokenizer()
    end = bpe.token_to_id("<|im_end|>")
    bpe.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
        "model_max_length": CONTEXT, "chat_template": TEMPLATE}))
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "dtype": "bfloat16", "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN, "intermediate_size": FEED, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS, "head_dim": HEAD, "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0, "hidden_act": "silu", "attention_bias": False, "tie_word_embeddings": False,
        "eos_token_id": end, "bos_token_id": None, "pad_token_id": 0}))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": end, "pad_token_id": 0}))
    write_safetensors(folder / "model.safetensors", weights(len(MARKS) + 256))
    return folder


def make_adapter(folder, seed, rank=4):
    """Strong enough that the model says other words at once."""
    folder.mkdir(parents=True, exist_ok=True)
    random = numpy.random.default_rng(seed)
    modules = {"self_attn.q_proj": (HEADS * HEAD, HIDDEN), "self_attn.o_proj": (HIDDEN, HEADS * HEAD), "mlp.down_proj": (HIDDEN, FEED)}

    def halves():
        for layer in range(LAYERS):
            for name, (rows, columns) in modules.items():
                for half, shape in (("A", (rank, columns)), ("B", (rows, rank))):
                    values = random.standard_normal(shape).astype(numpy.float32) * (columns**-0.5 if half == "A" else 1)
                    yield f"base_model.model.model.layers.{layer}.{name}.lora_{half}.weight", values

    write_safetensors(folder / "adapter_model.safetensors", halves())
    (folder / "adapter_config.json").write_text(json.dumps({
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": rank, "lora_alpha": rank, "bias": "none", "use_dora": False,
        "target_modules": [name.split(".")[1] for name in modules], "modules_to_save": None}))
    return folder


if __name__ == "__main__":
    make(Path(sys.argv[1]))
    for number, where in enumerate(sys.argv[2:], 10):
        make_adapter(Path(where), number)
