"""Who vouches for a manifest: the contract of signers and our own two."""

from django_snapshots.signers.contract import Signer
from django_snapshots.signers.ed25519 import Ed25519
from django_snapshots.signers.keyed_digest import HMAC

__all__ = ["HMAC", "Ed25519", "Signer"]
