"""The machine-readable mark of pictures that a model made: an XMP packet.

`Iptc4xmpExt:DigitalSourceType` with IPTC's term for them. Sources: IPTC Photo Metadata Standard
2023.1, "Digital Source Type"; the terms at cv.iptc.org/newscodes/digitalsourcetype.
"""

from typing import Final

SOURCE_TYPE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"

XMP: Final = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about=""'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    f' Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/>'
    "</rdf:RDF></x:xmpmeta>"
    '<?xpacket end="r"?>'
)

XMP_BYTES: Final = XMP.encode()
"""As WebP and JPEG files have it (`xmp=` of Pillow's `save`)."""
