"""Names of HTML elements, which distinguish HTML from other mark-up, and a tag from a text with a less-than sign."""

from __future__ import annotations

# Elements of the HTML standard (section 3 to 4 and "Obsolete features"), and those of SVG and MathML that it lists.
_NAMES = """
a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote body br
button canvas caption center cite code col colgroup data datalist dd del details dfn dialog dir div dl dt em embed
fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe img
input ins isindex kbd keygen label legend li link main map mark marquee math menu meta meter nav nobr noembed noframes
noscript object ol optgroup option output p param picture plaintext pre progress q rb rp rt rtc ruby s samp script
search section select slot small source spacer span strike strong style sub summary sup svg table tbody td template
textarea tfoot th thead time title tr track tt u ul var video wbr xmp
mi mo mn ms mtext msup msub mrow mfrac path g circle rect polygon
"""
HTML_NAMES = frozenset(_NAMES.split())
# Elements whose content is text, not mark-up, up to their end tag (HTML standard, "Elements", raw text).
RAW_TEXT_NAMES = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
# Elements that a following one ends, or that are always empty: they do not nest, even without end tags.
_UNNESTED = "area base br col embed hr img input link meta source track wbr p li td th tr dt dd option"
UNNESTED_NAMES = frozenset(_UNNESTED.split())
