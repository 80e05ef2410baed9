"""The price of a run's tokens: input, output, and what is written to and read from the prompt cache."""

from __future__ import annotations

import pytest

from vectora_core.analysis.usage import NO_TOKENS, Usage, cost_usd, usage_of
from vectora_shared.config.canonical import ModelPrice, PromptCache

CACHE = PromptCache(minimum_tokens=1024, write_usd_per_million_tokens=3.75, read_usd_per_million_tokens=0.3)
PRICE = ModelPrice(input_usd_per_million_tokens=3, output_usd_per_million_tokens=15, prompt_cache=CACHE)
UNCACHED = ModelPrice(input_usd_per_million_tokens=3, output_usd_per_million_tokens=15)


def test_the_cache_has_its_own_prices() -> None:
    usage = Usage(1_000_000, 100_000, cache_read_tokens=2_000_000, cache_write_tokens=1_000_000)
    assert cost_usd(usage, PRICE) == pytest.approx(3 + 1.5 + 0.6 + 3.75)
    assert cost_usd(usage.without_cache, PRICE) == pytest.approx(12 + 1.5)
    assert cost_usd(usage.without_cache, UNCACHED) == pytest.approx(12 + 1.5)


@pytest.mark.parametrize("price", [None, UNCACHED])
def test_cached_tokens_without_a_price_have_no_known_cost(price: ModelPrice | None) -> None:
    assert cost_usd(Usage(1, 1, cache_read_tokens=1), price) is None


@pytest.mark.parametrize("price", [None, UNCACHED, PRICE])
def test_no_tokens_cost_nothing(price: ModelPrice | None) -> None:
    assert cost_usd(NO_TOKENS, price) == 0.0


def test_tokens_add_up() -> None:
    assert Usage(1, 2, 3, 4) + Usage(10, 20, 30, 40) == Usage(11, 22, 33, 44)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({}, NO_TOKENS),
        ({"usage": {"inputTokens": 5, "outputTokens": 6, "totalTokens": 11}}, Usage(5, 6)),
        (
            {"usage": {"inputTokens": 5, "outputTokens": 6, "cacheReadInputTokens": 7, "cacheWriteInputTokens": 8}},
            Usage(5, 6, 7, 8),
        ),
    ],
)
def test_a_response_says_how_many_tokens_it_used(response: object, expected: Usage) -> None:
    assert usage_of(response) == expected
