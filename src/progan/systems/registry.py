"""Every system by name, and where to find it. No torch here: classes load when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from progan.core.errors import ConfigError

if TYPE_CHECKING:
    from progan.core.system import System

__all__ = ["SYSTEMS", "Entry", "load_config_class", "load_system_class", "lookup"]


@dataclass(frozen=True)
class Entry:
    """A system's line in the registry."""

    name: str
    summary: str
    paper: str
    system: str
    """module:class of the system."""
    config: str
    """module:class of its settings, importable without torch."""
    one_picture: bool = False
    """Whether it learns from one picture, which it takes as it is: of any sides."""
    domains: Literal["", "unpaired", "paired", "layouts"] = ""
    """What it learns from where it translates: pictures of two kinds, pairs of them, or pictures
    and their class maps."""


SYSTEMS: Mapping[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            name="progan",
            summary="generator and critic that grow from 4x4 pixels to the full size",
            paper="Karras et al. 2018, Progressive Growing of GANs",
            system="progan.systems.progan:ProGAN",
            config="progan.systems.configs.progan:ProGANConfig",
        ),
        Entry(
            name="gan",
            summary="the original game, minimax or non-saturating, dense or convolutional",
            paper="Goodfellow et al. 2014, Generative Adversarial Nets",
            system="progan.systems.gan:GAN",
            config="progan.systems.configs.gan:GANConfig",
        ),
        Entry(
            name="lsgan",
            summary="a discriminator that aims at numbers: far samples still teach",
            paper="Mao et al. 2017, Least Squares Generative Adversarial Networks",
            system="progan.systems.lsgan:LSGAN",
            config="progan.systems.configs.lsgan:LSGANConfig",
        ),
        Entry(
            name="wgan",
            summary="a critic with clipped weights, whose loss tells a distance",
            paper="Arjovsky et al. 2017, Wasserstein Generative Adversarial Networks",
            system="progan.systems.wgan:WGAN",
            config="progan.systems.configs.wgan:WGANConfig",
        ),
        Entry(
            name="wgan_gp",
            summary="a critic held near slope one by a gradient penalty",
            paper="Gulrajani et al. 2017, Improved Training of Wasserstein GANs",
            system="progan.systems.wgan_gp:WGANGP",
            config="progan.systems.configs.wgan_gp:WGANGPConfig",
        ),
        Entry(
            name="fgan",
            summary="any f-divergence: KL, reverse KL, chi-squares, Hellinger, Jeffrey, JS, alpha",
            paper="Nowozin et al. 2016, f-GAN",
            system="progan.systems.fgan:FGAN",
            config="progan.systems.configs.fgan:FGANConfig",
        ),
        Entry(
            name="dcgan",
            summary="convolutional networks as the paper has them, in its two programs' sizes",
            paper="Radford et al. 2016, Unsupervised Representation Learning with Deep "
            "Convolutional GANs",
            system="progan.systems.dcgan:DCGAN",
            config="progan.systems.configs.dcgan:DCGANConfig",
        ),
        Entry(
            name="ebgan",
            summary="an autoencoder as discriminator: what it redraws badly has a high energy",
            paper="Zhao et al. 2017, Energy-based Generative Adversarial Network",
            system="progan.systems.ebgan:EBGAN",
            config="progan.systems.configs.ebgan:EBGANConfig",
        ),
        Entry(
            name="cgan",
            summary="told which class to draw: concatenated, matched, AC-GAN or projection",
            paper="Mirza & Osindero 2014, Conditional Generative Adversarial Nets",
            system="progan.systems.cgan:CGAN",
            config="progan.systems.configs.cgan:CGANConfig",
        ),
        Entry(
            name="infogan",
            summary="codes among the latents, which a network must read off the pictures",
            paper="Chen et al. 2016, InfoGAN",
            system="progan.systems.infogan:InfoGAN",
            config="progan.systems.configs.infogan:InfoGANConfig",
        ),
        Entry(
            name="vaegan",
            summary="an autoencoder that compares pictures as a discriminator sees them",
            paper="Larsen et al. 2016, Autoencoding beyond Pixels",
            system="progan.systems.vaegan:VAEGAN",
            config="progan.systems.configs.vaegan:VAEGANConfig",
        ),
        Entry(
            name="bigan",
            summary="a discriminator of pairs, picture and code, which teaches an encoder",
            paper="Donahue et al. 2017, Adversarial Feature Learning; Dumoulin et al. 2017, ALI",
            system="progan.systems.bigan:BiGAN",
            config="progan.systems.configs.bigan:BiGANConfig",
        ),
        Entry(
            name="sngan",
            summary="a discriminator whose weights are divided by their largest singular value",
            paper="Miyato et al. 2018, Spectral Normalization for GANs",
            system="progan.systems.sngan:SNGAN",
            config="progan.systems.configs.sngan:SNGANConfig",
        ),
        Entry(
            name="sagan",
            summary="attention in both networks: far places of a picture look at each other",
            paper="Zhang et al. 2019, Self-Attention Generative Adversarial Networks",
            system="progan.systems.sagan:SAGAN",
            config="progan.systems.configs.sagan:SAGANConfig",
        ),
        Entry(
            name="biggan",
            summary="wide, in large batches, label and latent at every block; truncation",
            paper="Brock et al. 2019, Large Scale GAN Training",
            system="progan.systems.biggan:BigGAN",
            config="progan.systems.configs.biggan:BigGANConfig",
        ),
        Entry(
            name="lapgan",
            summary="coarse pictures, and bands of detail drawn upon them by games of their own",
            paper="Denton et al. 2015, Deep Generative Image Models using a Laplacian Pyramid",
            system="progan.systems.lapgan:LAPGAN",
            config="progan.systems.configs.lapgan:LAPGANConfig",
        ),
        Entry(
            name="singan",
            summary="a single picture, learnt as patches at every scale: drawn anew in any size",
            paper="Shaham et al. 2019, SinGAN: Learning a Generative Model from a Single Image",
            system="progan.systems.singan:SinGAN",
            config="progan.systems.configs.singan:SinGANConfig",
            one_picture=True,
        ),
        Entry(
            name="stackgan",
            summary="pictures from captions: a small sketch first, then a large one upon it",
            paper="Zhang et al. 2017, StackGAN: Text to Photo-realistic Image Synthesis",
            system="progan.systems.stackgan:StackGAN",
            config="progan.systems.configs.stackgan:StackGANConfig",
        ),
        Entry(
            name="cyclegan",
            summary="two domains translated into each other, there and back, without pairs",
            paper="Zhu et al. 2017, Unpaired Image-to-Image Translation (CycleGAN)",
            system="progan.systems.cyclegan:CycleGAN",
            config="progan.systems.configs.cyclegan:CycleGANConfig",
            domains="unpaired",
        ),
        Entry(
            name="pix2pix",
            summary="pictures into pictures, learnt from pairs: a distance and a game of patches",
            paper="Isola et al. 2017, Image-to-Image Translation with Conditional Adversarial "
            "Networks",
            system="progan.systems.pix2pix:Pix2Pix",
            config="progan.systems.configs.pix2pix:Pix2PixConfig",
            domains="paired",
        ),
        Entry(
            name="ganilla",
            summary="CycleGAN's game by translators that keep what lies where: illustrations",
            paper="Hicsonmez et al. 2020, GANILLA: Generative Adversarial Networks for Image to "
            "Illustration Translation",
            system="progan.systems.ganilla:GANILLA",
            config="progan.systems.configs.ganilla:GANILLAConfig",
            domains="unpaired",
        ),
        Entry(
            name="ensemble",
            summary="several generators: independent, kept along one run, or sharing layers",
            paper="Hoang et al. 2018, MGAN (shared); plain games otherwise",
            system="progan.systems.ensemble:Ensemble",
            config="progan.systems.configs.ensemble:EnsembleConfig",
        ),
    )
}


def lookup(name: str) -> Entry:
    """The entry of a system; an unknown name is an error that lists the known ones."""
    if name not in SYSTEMS:
        raise ConfigError(
            f"system is {name!r}, which is not here; choose one of {', '.join(SYSTEMS)}."
        )
    return SYSTEMS[name]


def load_config_class(name: str) -> type[Any]:
    """The settings dataclass of a system, without importing torch."""
    return _load(lookup(name).config)


def load_system_class(name: str) -> type[System[Any]]:
    """The class of a system, built as `cls(config, data)`."""
    loaded: type[System[Any]] = _load(lookup(name).system)
    return loaded


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)
