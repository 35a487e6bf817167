from __future__ import annotations

import subprocess
import sys
from hashlib import blake2b

from progan.core.randomness import seed_of


def test_seeds_are_the_hash_the_docstring_promises() -> None:
    # kind, length in four bytes, text, for each word; the top 63 of 64 bits
    written = b"i\x01\x00\x00\x007" + b"s\x04\x00\x00\x00turn"
    expected = int.from_bytes(blake2b(written, digest_size=8).digest(), "little") >> 1
    assert seed_of(7, "turn") == expected


def test_words_differ_by_type_border_order_and_number() -> None:
    words: list[tuple[int | str, ...]] = [
        (1, 2),
        (12,),
        ("1", 2),
        (2, 1),
        ("12",),
        (1, 2, ""),
        (),
        ("a", "bc"),
        ("ab", "c"),
        (-1,),
        (1,),
    ]
    assert len({seed_of(*each) for each in words}) == len(words)


def test_seeds_fit_sixty_three_bits_and_use_both_halves() -> None:
    seeds = [seed_of("range", number) for number in range(1000)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    # 1000 fair coins: 500 ± 5 standard deviations of √(1000 / 4) ≈ 16
    assert 420 < sum(seed >= 2**62 for seed in seeds) < 580
    assert 420 < sum(seed & 1 for seed in seeds) < 580


def test_another_process_draws_the_same_seed() -> None:
    code = "from progan.core.randomness import seed_of; print(seed_of(3, 'critic', 0, 12))"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(answer.stdout) == seed_of(3, "critic", 0, 12)
