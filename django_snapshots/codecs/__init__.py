"""Reversible transforms of a byte stream: the contract and our own codecs."""

from django_snapshots.codecs.age import Age
from django_snapshots.codecs.contract import Codec, EncryptionCodec
from django_snapshots.codecs.gzip import Gzip
from django_snapshots.codecs.zstd import Zstd

__all__ = ["Age", "Codec", "EncryptionCodec", "Gzip", "Zstd"]
