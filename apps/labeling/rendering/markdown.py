"""Guidelines: the project's Markdown as safe HTML."""

from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

PICTURE: Final = "image"


def render_guidelines(text: str) -> Markup:
    """Markdown as HTML: tags in the text are shown as text, and links send no referrer.

    External pictures are replaced by their alternative text: their server would learn who labels and when.

    >>> render_guidelines("<b>x</b>")
    Markup('<p>&lt;b&gt;x&lt;/b&gt;</p>\\n')
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tokens = parser.parse(text)
    for token in tokens:
        token.children = _harmless(token.children) if token.children else token.children
    # The parser escapes text, refuses javascript: and data: links, and has HTML switched off.
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 - the parser's own escaped output


def _harmless(children: list[Token]) -> list[Token]:
    """The inline tokens of a line, with safe links and without pictures."""
    for child in children:
        if child.type == "link_open":
            child.attrSet("rel", "noopener noreferrer nofollow")
    return [_alternative_text(child) if child.type == PICTURE else child for child in children]


def _alternative_text(picture: Token) -> Token:
    """A picture's alternative text in its place."""
    return Token("text", "", 0, content=f"[picture: {picture.content}]")
