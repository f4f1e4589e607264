import base64, hashlib, struct, sys, urllib.parse, zipfile, zlib
import xml.etree.ElementTree as ET
NS = "{http://schemas.microsoft.com/appx/2010/blockmap}"
FOOT = {"AppxBlockMap.xml", "[Content_Types].xml", "AppxSignature.p7x", "AppxMetadata/CodeIntegrity.cat"}
ALG = {"http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
       "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
       "http://www.w3.org/2001/04/xmlenc#sha512": "sha512"}
def check(path):
    bad, raw, z = [], open(path, "rb").read(), zipfile.ZipFile(path)
    if raw[-22:-18] != b"PK\5\6": bad.append("bytes after the end record")
    bm = ET.fromstring(z.read("AppxBlockMap.xml"))
    alg = ALG.get(bm.get("HashMethod")) or bad.append("HashMethod") or "sha256"
    left = {i.filename: i for i in z.infolist() if i.filename not in FOOT}
    if len({n.lower() for n in left}) != len(left): bad.append("names equal but for case")
    for f in bm.findall(NS + "File"):
        name = f.get("Name")
        if "/" in name: bad.append("slash in " + name)
        i = next((v for k, v in left.items() if urllib.parse.unquote(k) == name.replace("\\", "/")), None)
        if i is None: bad.append("not in zip: " + name); continue
        del left[i.filename]
        nl, el = struct.unpack("<HH", raw[i.header_offset + 26:i.header_offset + 30])
        lfh = 30 + nl + el
        if int(f.get("LfhSize")) != lfh: bad.append("LfhSize " + name)
        data = raw[i.header_offset + lfh:i.header_offset + lfh + i.compress_size]
        blocks, size, at, out = f.findall(NS + "Block"), int(f.get("Size")), 0, 0
        if len(blocks) != (size + 65535) // 65536: bad.append("block count " + name)
        for b in blocks:
            want = min(65536, size - out)
            if i.compress_type == 8:
                n = int(b.get("Size")); part = data[at:at + n]
                d = zlib.decompressobj(-15)          # new window: each block stands alone
                try: plain = d.decompress(part) + d.flush()
                except zlib.error as e: bad.append(f"block not self-contained {name}: {e}"); break
            else:
                if b.get("Size"): bad.append("Size on stored block " + name)
                n = want; plain = part = data[at:at + n]
            if len(plain) != want or base64.b64encode(hashlib.new(alg, plain).digest()).decode() != b.get("Hash"): bad.append("hash " + name)
            at += n; out += len(plain)
        if i.compress_type == 8 and data[at:] not in (b"", b"\x03\x00"): bad.append(f"tail {data[at:][:8].hex()} {name}")
    bad += ["not in block map: " + n for n in left]
    return bad
for p in sys.argv[1:]: b = check(p); print("ok " if not b else "BAD", p, b[:3])
