# peers: ts
"""Writes zarrs.json beside this script: chunks of codecs that only zarrs has beside us, of every data type they take.

zarrs 0.23 writes, by its peer program, which lies beside the environments. Cases are those of
`xtask/peers/codec_documents.py`, as in v3.json: the data type, the shape of the chunk, the codecs, the chunk in
hexadecimal, and the elements that zarrs reads back, little-endian. `given` are those that were encoded, where
something is lost.
"""
import json
import math
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "xtask/peers"))
import codec_documents
from peer_documents import LIBRARIES, known_types, try_cases

CODECS = ["reshape", "bitround", "packbits", "zfp"]
# Of the longer ones there are enough elsewhere.
SIZE_MAX = 400
COUNT = 24


def cases():
    zarrs = LIBRARIES["zarrs"]
    with tempfile.TemporaryDirectory() as directory:
        types, _ = known_types(zarrs, directory)
        for codec in CODECS:
            generator = codec_documents.Documents(codec, "fixtures", types)
            drawn = []
            while len(drawn) < COUNT:
                case = generator.case()
                document = case["document"]
                # What zarrs writes otherwise than the extension says is compared by the job alone.
                packed = document["codecs"][0].get("configuration", {}).get("padding_encoding", "none")
                if len(case["values"]) <= SIZE_MAX and len(document["codecs"]) <= 2 and packed == "none" and math.prod(document["shape"]):
                    drawn.append({**case, "name": f"{codec}-{len(drawn)}"})
            for case, values in zip(drawn, try_cases(zarrs, drawn, directory)):
                document = case["document"]
                chunk = pathlib.Path(case["path"]) / "/".join(["c", *["0"] * len(document["shape"])])
                if isinstance(values, Exception) or not chunk.exists():
                    continue
                given = {} if values == case["values"] else {"given": case["values"].hex()}
                yield {"data_type": document["data_type"], "shape": document["shape"], "codecs": document["codecs"],
                       "chunk": chunk.read_bytes().hex(), "elements": values.hex(), **given}


lines = ",\n".join(json.dumps(case) for case in cases())
(HERE / "zarrs.json").write_text(f"[\n{lines}\n]\n")
