# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportArgumentType=false
# (the border to transformers and torch, whose types are partly missing)
"""Two CLIP text encoders whose weights are written down, not trained.

Each has two layers. The first is the identity, so `hidden_states[-2]`, which SDXL reads, is exactly
the tokens' codes: known tags theirs, everything else zeros ("" equals the zeroed negative). Encoder
1's second layer is unused. Encoder 2's gathers the attributes at the end token:

1. Attention looks evenly at tokens with the flag "known tag", and at nothing else.
2. An attribute's average is then 1 / (number of known tags) or 0; two steep quick_gelus, one
   rising at `LOW`, one at `HIGH`, make that 0 or 1 whatever the number.
3. Huge constants in two spare entries fix the scale of the layer norms on the way.

So the pooled vector is the prompt's attributes as 0 or `POOLED_VALUE`, and training the UNet needs
no text encoder at all: it looks codes up.
"""

from typing import Any, Final

import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from training.demo.codes import (
    CODES,
    FLAG,
    GAIN,
    POOLED_VALUE,
    POOLED_WIDTH,
    TAG_INDEX,
    WIDTH_1,
    WIDTH_2,
)
from training.demo.tags import ATTRIBUTES

_PLUS, _MINUS, _BALANCE = WIDTH_2 - 6, WIDTH_2 - 5, WIDTH_2 - 3
"""Spare entries: the two constants, and one that keeps sums at zero (layer norm subtracts the
mean).
"""
_HEADS: Final = 3
_QUERY: Final = 8.0
_KEY: Final = (
    0.82  # exp(_QUERY * _KEY * 6.85 / sqrt(32)) is about 2800: known tags outweigh all else
)
_MEAN_SHIFT: Final = 0.0215  # what layer norm takes from a zero entry, as a share of the flag
_FIRST_SCALE: Final = 30.0
_STEEPNESS: Final = 1000.0
_LOW: Final = 0.012
_HIGH: Final = 0.030
_ATTRIBUTE_SIZE: Final = 700.0
_LAST_SCALE: Final = 16000.0


@torch.no_grad()
def build_encoders(tokenizer: Any, meanings: dict[int, str]) -> tuple[Any, Any]:
    """The two encoders for a tokenizer and what its token ids mean."""
    common: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "num_hidden_layers": 2,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.eos_token_id,
    }
    first = CLIPTextModel(
        CLIPTextConfig(
            hidden_size=WIDTH_1,
            intermediate_size=WIDTH_1,
            num_attention_heads=2,
            projection_dim=WIDTH_1,
            **common,
        )
    ).eval()
    second = CLIPTextModelWithProjection(
        CLIPTextConfig(
            hidden_size=WIDTH_2,
            intermediate_size=2 * len(ATTRIBUTES),
            num_attention_heads=_HEADS,
            projection_dim=POOLED_WIDTH,
            **common,
        )
    ).eval()
    for encoder, low, high in ((first, 0, WIDTH_1), (second, WIDTH_1, WIDTH_1 + WIDTH_2)):
        _write_codes(encoder.text_model, meanings, low, high)
    _write_gathering(second)
    return first, second


def _write_codes(model: Any, meanings: dict[int, str], low: int, high: int) -> None:
    for part in model.parameters():
        part.zero_()
    for name, module in model.named_modules():
        if "norm" in name:
            module.weight.fill_(1)
    table = model.embeddings.token_embedding.weight
    for token, tag in meanings.items():
        table[token] = torch.from_numpy(CODES[TAG_INDEX[tag], low:high])


def _write_gathering(encoder: Any) -> None:
    layer, count = encoder.text_model.encoder.layers[1], len(ATTRIBUTES)
    attention, mlp = layer.self_attn, layer.mlp
    for head in range(_HEADS):
        at = head * (WIDTH_2 // _HEADS)
        attention.q_proj.bias[at] = _QUERY
        attention.k_proj.weight[at, FLAG] = _KEY
    attention.v_proj.weight[:count, :count] = torch.eye(count)
    attention.v_proj.weight[:count, FLAG] = _MEAN_SHIFT
    attention.v_proj.weight[_BALANCE] = -attention.v_proj.weight[:count].sum(0)
    attention.out_proj.weight.copy_(torch.eye(WIDTH_2))
    attention.out_proj.bias[_PLUS], attention.out_proj.bias[_MINUS] = _FIRST_SCALE, -_FIRST_SCALE
    step = _ATTRIBUTE_SIZE / (_STEEPNESS * (_HIGH - _LOW))
    for index in range(count):
        for unit, threshold, sign in ((2 * index, _LOW, 1), (2 * index + 1, _HIGH, -1)):
            mlp.fc1.weight[unit, index] = _STEEPNESS
            mlp.fc1.bias[unit] = -_STEEPNESS * threshold
            mlp.fc2.weight[index, unit] = sign * step
            mlp.fc2.weight[_BALANCE, unit] = -sign * step
    mlp.fc2.bias[_PLUS], mlp.fc2.bias[_MINUS] = _LAST_SCALE, -_LAST_SCALE
    encoder.text_projection.weight.zero_()
    # two constants of +-F among `width` entries have a standard deviation of F * sqrt(2 / width)
    size = POOLED_VALUE * _LAST_SCALE * (2 / WIDTH_2) ** 0.5 / _ATTRIBUTE_SIZE
    for index in range(count):
        encoder.text_projection.weight[index, index] = size
    assert GAIN == 3.0  # the thresholds above are measured at this size
