"""Tokens of model calls, and their price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vectora_shared.config.canonical import ModelPrice

TOKENS_OF_A_PRICE = 1_000_000


@dataclass(frozen=True)
class Usage:
    """Tokens of one or more calls.

    `input_tokens` are only those that were neither read from nor written to the model's prompt cache (Bedrock user
    guide, "Prompt caching": the total is the sum of the three).
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
        )

    @property
    def cached_tokens(self) -> int:
        return self.cache_read_tokens + self.cache_write_tokens

    @property
    def without_cache(self) -> Usage:
        """The same tokens as a model without a prompt cache counts them."""
        return Usage(self.input_tokens + self.cached_tokens, self.output_tokens)


NO_TOKENS = Usage()


def usage_of(response: Any) -> Usage:
    """Return the tokens of a Converse response."""
    usage = response.get("usage", {})
    return Usage(
        input_tokens=int(usage.get("inputTokens", 0)),
        output_tokens=int(usage.get("outputTokens", 0)),
        cache_read_tokens=int(usage.get("cacheReadInputTokens", 0)),
        cache_write_tokens=int(usage.get("cacheWriteInputTokens", 0)),
    )


def cost_usd(usage: Usage, price: ModelPrice | None) -> float | None:
    """Return the price of the tokens in US dollars; None when there is no price for them."""
    if usage == NO_TOKENS:
        return 0.0
    if price is None or (usage.cached_tokens and price.prompt_cache is None):
        return None
    dollars = (
        usage.input_tokens * price.input_usd_per_million_tokens
        + usage.output_tokens * price.output_usd_per_million_tokens
    )
    if price.prompt_cache:
        dollars += usage.cache_read_tokens * price.prompt_cache.read_usd_per_million_tokens
        dollars += usage.cache_write_tokens * price.prompt_cache.write_usd_per_million_tokens
    return round(dollars / TOKENS_OF_A_PRICE, 6)
