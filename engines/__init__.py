"""How each inference server works, per pinned version. A leaf: it knows no other room but quantities."""

from engines.image import UNRESOLVED, ImageReference
from engines.images import FETCH_IMAGE, IMAGES, ImagesError, read_images

__all__ = ["FETCH_IMAGE", "IMAGES", "ImageReference", "ImagesError", "UNRESOLVED", "read_images"]
