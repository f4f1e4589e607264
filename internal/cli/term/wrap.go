package term

import "strings"

// leastColumns are what a text needs beside its label; where there are fewer,
// the terminal breaks the line itself.
const leastColumns = 20

// Wrap breaks a line between words where the terminal ends. See WrapAt. What goes to
// a file is not broken.
func (s Screen) Wrap(line string, indent int) string {
	if !s.Terminal {
		return line
	}
	return WrapAt(line, indent, s.Width)
}

// WrapAt breaks a line between words after at most width columns, and starts the
// lines that follow at the column indent. It never breaks a word, which may be a path
// or a command, and leaves the line alone when there is no room beside the indent.
func WrapAt(line string, indent, width int) string {
	if width < indent+leastColumns || Columns(line) <= width {
		return line
	}
	var b strings.Builder
	used, blanks := 0, ""
	for _, word := range inWords(line) {
		switch {
		case strings.TrimSpace(word) == "":
			blanks = word
			continue
		case used > indent && used+len(blanks)+Columns(word) > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			used = indent
		default:
			b.WriteString(blanks)
			used += len(blanks)
		}
		b.WriteString(word)
		used, blanks = used+Columns(word), ""
	}
	return b.String()
}

// inWords are the words of a line and the blanks between them.
func inWords(line string) (all []string) {
	for line != "" {
		end := strings.IndexByte(line, ' ')
		if end == 0 {
			end = len(line) - len(strings.TrimLeft(line, " "))
		}
		if end < 0 {
			end = len(line)
		}
		all, line = append(all, line[:end]), line[end:]
	}
	return all
}
