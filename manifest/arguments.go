package manifest

import "strings"

// SplitArguments splits the Arguments of a class server into the arguments that a
// Windows program would receive. It follows the rules of CommandLineToArgvW for
// everything after the program name:
//
//   - Spaces and tabs separate arguments, except between quotes.
//   - 2n backslashes followed by a quote stand for n backslashes, and the quote
//     begins or ends a quoted part.
//   - 2n+1 backslashes followed by a quote stand for n backslashes and a literal
//     quote.
//   - Within quotes, two quotes stand for a literal one, and end the quoted part.
func SplitArguments(s string) []string {
	var args []string
	for {
		s = strings.TrimLeft(s, " \t")
		if s == "" {
			return args
		}
		var arg string
		arg, s = nextArgument(s)
		args = append(args, arg)
	}
}

func nextArgument(s string) (arg, rest string) {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			n := countBackslashes(s[i:])
			i += n - 1
			if i+1 == len(s) || s[i+1] != '"' {
				b.WriteString(s[i+1-n : i+1])
				continue
			}
			b.WriteString(s[i+1-n : i+1-n+n/2])
			if n%2 == 1 {
				b.WriteByte('"')
				i++
			}
		case c == '"':
			if quoted && i+1 < len(s) && s[i+1] == '"' {
				b.WriteByte('"')
				i++
			}
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return b.String(), s[i:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}

func countBackslashes(s string) int {
	return len(s) - len(strings.TrimLeft(s, `\`))
}
