"""Files that pass between the browser and an event as data URLs, so that none is ever on the server's disk."""

import base64

from .server.errors import user_error

_MAX_BYTES = 300_000  # as base64 it fits into a request, see `request_filter`; a checkpoint has up to 107,000 bytes


def pick_file(suffix: str) -> str:
    """The `js` of an event that asks for a file, for `file_content`, and gives its output "" if the user cancels.

    Args:
        suffix: of the files to choose from, such as ".pt".
    """
    # Of a file that is too large, only so much is sent that the server can say so.
    return f"""async () => {{
        const input = Object.assign(document.createElement("input"), {{ type: "file", accept: "{suffix}" }});
        const file = await new Promise((resolve) => {{
            input.addEventListener("change", () => resolve(input.files[0]));
            input.addEventListener("cancel", () => resolve(null));
            input.click();
        }});
        if (!file) return "";
        const reader = new FileReader();
        await new Promise((resolve) => {{
            reader.addEventListener("loadend", resolve);
            reader.readAsDataURL(file.slice(0, {_MAX_BYTES + 1}));
        }});
        return reader.result ?? "";
    }}"""


def file_content(text: str | None) -> bytes | None:
    """The content of the file that the user chose; None if there is none.

    Args:
        text: what `pick_file` gave.

    Raises:
        gr.Error: the file is too large, or arrived damaged.
    """
    if not text:
        return None
    try:
        content = base64.b64decode(text.partition(";base64,")[2], validate=True)
    except ValueError as error:
        raise user_error("The file arrived damaged. Choose it again.") from error
    if len(content) > _MAX_BYTES:
        raise user_error(
            f"The file is too large (limit {_MAX_BYTES:,} bytes). Choose one that was downloaded from this page."
        )
    return content
