package apigw

import (
	"fmt"
	"strings"
	"unicode/utf16"
)

// escapeJavaScript escapes as $util.escapeJavaScript does: quotes of both kinds,
// backslash, slash, control characters and all that is not ASCII. The \' it
// makes is not valid JSON, as AWS's documentation warns.
func escapeJavaScript(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch r {
		case '\b':
			b.WriteString(`\b`)
		case '\n':
			b.WriteString(`\n`)
		case '\t':
			b.WriteString(`\t`)
		case '\f':
			b.WriteString(`\f`)
		case '\r':
			b.WriteString(`\r`)
		case '\'', '"', '\\', '/':
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			if 0x20 <= r && r < 0x7f {
				b.WriteRune(r)
				continue
			}
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%04X`, unit)
			}
		}
	}
	return b.String()
}
