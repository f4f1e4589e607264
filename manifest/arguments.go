package manifest

import "strings"

// SplitArguments splits the Arguments of a class server as a Windows program
// would find them, by the rules of CommandLineToArgvW for what follows the
// program's name: spaces and tabs separate; quotes hold together; 2n backslashes
// and a quote are n backslashes and the quote's meaning, 2n+1 are n backslashes
// and a quote; within quotes two quotes are one, and end the quotes.
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
