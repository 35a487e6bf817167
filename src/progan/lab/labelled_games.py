"""Games with labels or codes, and their lessons."""

from __future__ import annotations

from collections.abc import Mapping

from progan.lab.game import Game
from progan.lab.lesson import PROBABILITY, Scale

__all__ = ["LABELLED"]

LABELLED: Mapping[str, Game] = {
    "cgan": Game(
        system="cgan",
        title="Conditional GAN by concatenation",
        formula=(
            "discriminator   −E[log D(x, y)] − E[log(1 − D(G(z, y), y))]",
            "generator       −E[log D(G(z, y), y)]",
        ),
        look=(
            "Each label is a game of its own in a network they share: samples of one label go to "
            "its mode, so that no mode is left empty.",
            "Colour is what all labels together say of a place.",
        ),
        source="Mirza & Osindero 2014, Conditional Generative Adversarial Nets",
        scale=Scale(name="D(x)", squash=True, low=0.0, high=1.0),
    ),
    "matching-aware": Game(
        system="cgan",
        set={"condition": "matching-aware"},
        title="Matching-aware GAN",
        formula=(
            "discriminator   −E[log D(x, y)] − ½ E[log(1 − D(x, y'))]",
            "                − ½ E[log(1 − D(G(z, y), y))]",
            "generator       −E[log D(G(z, y), y)]",
        ),
        look=(
            "Real points with wrong labels y' count as fakes too, so D never gives a half where "
            "labels lie apart: a pair is right, or it is not.",
        ),
        source="Reed et al. 2016, Generative Adversarial Text to Image Synthesis",
        scale=Scale(name="D(x)", squash=True, low=0.0, high=1.0),
    ),
    "two-head": Game(
        system="cgan",
        set={"condition": "two-head"},
        title="Two heads: real, and matching",
        formula=(
            "real head    −E[log R(x)] − E[log(1 − R(G(z, y)))]",
            "match head   −E[log M(x, y)] − E[log(1 − M(x, y'))]",
            "generator    −E[log R(G(z, y))] − λ E[log M(G(z, y), y)]",
        ),
        look=("Colour is the first head alone, which does not look at labels.",),
        source="Survey, section on conditional GANs",
        scale=PROBABILITY,
    ),
    "ac-gan": Game(
        system="cgan",
        set={"condition": "ac-gan"},
        title="AC-GAN",
        formula=(
            "discriminator   GAN's, and −λ E[log C(y|x)] − λ E[log C(y|G(z, y))]",
            "generator       GAN's, and −λ E[log C(y|G(z, y))]",
        ),
        look=(
            "Colour is D, which does not look at labels. The generator is paid for what is easy to "
            "classify: where classes lie over each other it moves them apart and narrows them. "
            "Try --data trio1d.",
        ),
        source="Odena et al. 2017, Conditional Image Synthesis with Auxiliary Classifier GANs",
        scale=PROBABILITY,
    ),
    "projection": Game(
        system="cgan",
        set={"condition": "projection"},
        title="Projection discriminator",
        formula=(
            "score           a(x, y) = ψ(x) + ⟨V y, φ(x)⟩",
            "discriminator   −E[log σ(a(x, y))] − E[log(1 − σ(a(G(z, y), y)))]",
            "generator       −E[log σ(a(G(z, y), y))]",
        ),
        look=(
            "The difference a(x, y) − a(x, y') is the log ratio of two classes where the generator "
            "treats them alike; nothing pays for being easy to classify. Try --data trio1d.",
        ),
        source="Miyato & Koyama 2018, cGANs with Projection Discriminator",
        scale=Scale(name="D(x)", squash=True, low=0.0, high=1.0),
    ),
    "infogan": Game(
        system="infogan",
        title="InfoGAN",
        formula=(
            "L_I             log K + E[log Q(c|G(z, c))]",
            "discriminator   −E[log D(x)] − E[log(1 − D(G(z, c)))] − λ L_I",
            "generator       −E[log D(G(z, c))] − λ L_I",
        ),
        look=(
            "Nobody tells what the code c means. Samples of one code must be told from those of "
            "the others, so each code takes modes of its own: they are found, and spread out.",
        ),
        source="Chen et al. 2016, InfoGAN",
        scale=PROBABILITY,
    ),
}
