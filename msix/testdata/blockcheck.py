#!/usr/bin/env python3
"""Judges the block maps of packages with Python's zlib and zipfile, which share
nothing with package msix. Prints what is wrong and ends with 1 if anything is."""

import base64
import hashlib
import struct
import sys
import urllib.parse
import xml.etree.ElementTree
import zipfile
import zlib

NAMESPACE = "{http://schemas.microsoft.com/appx/2010/blockmap}"
BLOCK = 65536
UNLISTED = {
    "AppxBlockMap.xml",
    "[Content_Types].xml",
    "AppxSignature.p7x",
    "AppxMetadata/CodeIntegrity.cat",
}
HASHES = {
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashlib.sha384,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
}


def check_package(path):
    with open(path, "rb") as file:
        raw = file.read()
    if raw[-22:-18] != b"PK\x05\x06":
        yield "the end record is not at the end"
    archive = zipfile.ZipFile(path)
    root = xml.etree.ElementTree.fromstring(archive.read("AppxBlockMap.xml"))
    if root.get("HashMethod") not in HASHES:
        yield "unknown HashMethod"
        return
    digest = HASHES[root.get("HashMethod")]
    entries = {}
    for entry in archive.infolist():
        if entry.filename not in UNLISTED:
            entries[urllib.parse.unquote(entry.filename)] = entry
    if len({name.lower() for name in entries}) != len(entries):
        yield "names are equal but for case"
    for file in root.findall(NAMESPACE + "File"):
        name = file.get("Name")
        if "/" in name:
            yield f"{name}: slash in a name of the block map"
        entry = entries.pop(name.replace("\\", "/"), None)
        if entry is None:
            yield f"{name}: not in the archive"
            continue
        for problem in check_file(raw, entry, file, digest):
            yield f"{name}: {problem}"
    for name in entries:
        yield f"{name}: not in the block map"


def check_file(raw, entry, file, digest):
    at = entry.header_offset
    header = 30 + sum(struct.unpack_from("<HH", raw, at + 26))
    if int(file.get("LfhSize")) != header:
        yield "wrong LfhSize"
    content = raw[at + header : at + header + entry.compress_size]
    deflated = entry.compress_type == zipfile.ZIP_DEFLATED
    left = int(file.get("Size"))
    if left != entry.file_size:
        yield "wrong Size"
    for number, block in enumerate(file.findall(NAMESPACE + "Block"), 1):
        want = min(BLOCK, left)
        left -= want
        packed = int(block.get("Size")) if deflated else want
        if not deflated and block.get("Size") is not None:
            yield f"block {number} of a stored file has a Size"
        piece, content = content[:packed], content[packed:]
        if deflated:
            inflate = zlib.decompressobj(-15)  # nothing of the block before
            try:
                piece = inflate.decompress(piece) + inflate.flush()
            except zlib.error as error:
                yield f"block {number} does not stand alone: {error}"
                return
        if len(piece) != want:
            yield f"block {number} has {len(piece)} bytes, not {want}"
        if base64.b64encode(digest(piece).digest()).decode() != block.get("Hash"):
            yield f"block {number} has another hash"
    if left:
        yield "blocks are missing"
    if content not in ((b"", b"\x03\x00") if deflated else (b"",)):
        yield "bytes after the last block"


def main(paths):
    bad = False
    for path in paths:
        for problem in check_package(path):
            bad = True
            print(f"{path}: {problem}")
    return 1 if bad or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
