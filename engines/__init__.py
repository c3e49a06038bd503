"""The inference servers, each at a pinned version: options, files, ports, metrics, memory. A leaf: it imports no
package but quantities."""

from engines.adapter import Adapter
from engines.image import UNRESOLVED, ImageReference
from engines.images import FETCH_BASE_IMAGE, FETCH_IMAGE, IMAGES, ImagesError, read_images
from engines.precision import Precision
from engines.support import Support

__all__ = [
    "Adapter",
    "FETCH_BASE_IMAGE",
    "FETCH_IMAGE",
    "IMAGES",
    "ImageReference",
    "ImagesError",
    "Precision",
    "Support",
    "UNRESOLVED",
    "read_images",
]
