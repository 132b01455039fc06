"""Makes GGUF models with random weights: half a megabyte, loaded in a tenth of a second, and sure of their words.

Byte tokens, the end token and the rest have rows of zeros in the output matrix, so a model says words and never stops by
itself: an answer is as long as it was asked to be."""

import gguf
import numpy

SYLLABLES = ["ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "ly"]
WORDS = ["▁" + first + second for first in SYLLABLES for second in SYLLABLES]
CALL_MARKS = ("[TOOL_CALLS]",)
CALL_TOKEN = 3 + 256 + len(WORDS)  # its number
# Knows tools, in words like those of Mistral's models.
TOOL_TEMPLATE = """{% if tools %}tools:
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}For a call answer [TOOL_CALLS][{"name": NAME, "arguments": ARGUMENTS}]
{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content or '' }}{% if m.tool_calls %}[TOOL_CALLS][{% for call in m.tool_calls %}{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}{% if not loop.last %}, {% endif %}{% endfor %}]
{% endif %}
{% endfor %}"""
TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant:"


def vocabulary(marks=()):
    """Tokens, scores and types as SentencePiece has them; any text can be spelt in its bytes. `marks` come last."""
    kinds = gguf.TokenType
    tokens = [("<unk>", 0.0, kinds.UNKNOWN), ("<s>", 0.0, kinds.CONTROL), ("</s>", 0.0, kinds.CONTROL)]
    tokens += [(f"<0x{byte:02X}>", 0.0, kinds.BYTE) for byte in range(256)]
    tokens += [(word, -1.0, kinds.NORMAL) for word in WORDS]
    return tokens + [(mark, 0.0, kinds.USER_DEFINED) for mark in marks]


def make(path, name="tiny", seed=1, context=2048, width=64, layers=2, pooling=None, template=TEMPLATE):
    """One llama-shaped model. `layers` and `width` set how slow it is; `pooling` makes vectors of it, and RANK a model of
    Qwen's shape that orders documents. With TOOL_TEMPLATE
    it calls a tool where a request's logit_bias favours CALL_TOKEN, and not otherwise."""
    random = numpy.random.default_rng(seed)
    tokens = vocabulary(CALL_MARKS if template == TOOL_TEMPLATE else ())
    heads = width // 16
    feed = width * 2
    ranks = pooling == gguf.PoolingType.RANK
    writer = gguf.GGUFWriter(str(path), "qwen3" if ranks else "llama")
    writer.add_name(name)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(feed)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width // heads)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    if ranks:
        writer.add_classifier_output_labels(["yes", "no"])
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([text for text, _, _ in tokens])
    writer.add_token_scores([score for _, score, _ in tokens])
    writer.add_token_types([kind for _, _, kind in tokens])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template(template)

    def tensor(tensor_name, *shape, scale=1.0):
        writer.add_tensor(tensor_name, (random.standard_normal(shape) * scale).astype(numpy.float32))

    def ones(tensor_name, size=width):
        writer.add_tensor(tensor_name, numpy.ones(size, dtype=numpy.float32))

    tensor("token_embd.weight", len(tokens), width)
    output = random.standard_normal((len(tokens), width)).astype(numpy.float32)
    output[: 3 + 256] = 0
    output[3 + 256 + len(WORDS) :] = 0
    writer.add_tensor("output.weight", output)
    ones("output_norm.weight")
    if ranks:
        tensor("cls.output.weight", 2, width)
    for layer in range(layers):
        ones(f"blk.{layer}.attn_norm.weight")
        ones(f"blk.{layer}.ffn_norm.weight")
        if ranks:
            ones(f"blk.{layer}.attn_q_norm.weight", width // heads)
            ones(f"blk.{layer}.attn_k_norm.weight", width // heads)
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            tensor(f"blk.{layer}.{part}.weight", width, width, scale=width**-0.5)
        tensor(f"blk.{layer}.ffn_gate.weight", feed, width, scale=width**-0.5)
        tensor(f"blk.{layer}.ffn_up.weight", feed, width, scale=width**-0.5)
        tensor(f"blk.{layer}.ffn_down.weight", width, feed, scale=feed**-0.5)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def make_adapter(path, seed, width=64, layers=2, rank=4, architecture="llama", kind="adapter", **pairs):
    """A LoRA for a model of that shape, strong enough that it says other words at once. `pairs`: further keys of its
    header, by their last part; an empty text takes one away."""
    random = numpy.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_type(kind)
    writer.add_string("adapter.type", pairs.get("type", "lora"))
    writer.add_float32("adapter.lora.alpha", float(rank))
    if "invocation_tokens" in pairs:
        writer.add_array("adapter.alora.invocation_tokens", pairs["invocation_tokens"])
    feed = width * 2
    for layer in range(layers):
        for part, rows, columns in (("attn_q", width, width), ("attn_output", width, width), ("ffn_down", width, feed)):
            for half, shape in (("a", (rank, columns)), ("b", (rows, rank))):
                values = random.standard_normal(shape) * (columns**-0.5 if half == "a" else 1.0)
                writer.add_tensor(f"blk.{layer}.{part}.weight.lora_{half}", values.astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
