package declaration

import (
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"
)

// findLines returns the line of each key of a TOML text, such as "name" or
// "tasks.1.class". The text must be valid TOML.
func findLines(data []byte) map[string]int {
	lines, counts, prefix := map[string]int{}, map[string]int{}, ""
	p := unstable.Parser{}
	p.Reset(data)
	for p.NextExpression() {
		e := p.Expression()
		key, line := keyOf(&p, e)
		switch e.Kind {
		case unstable.Table:
			prefix = key + "."
			lines[key] = line
		case unstable.ArrayTable:
			prefix = fmt.Sprintf("%s.%d.", key, counts[key])
			lines[fmt.Sprintf("%s.%d", key, counts[key])] = line
			counts[key]++
		case unstable.KeyValue:
			lines[prefix+key] = line
		}
	}
	return lines
}

// keyOf returns the dotted key of an expression and its line.
func keyOf(p *unstable.Parser, e *unstable.Node) (key string, line int) {
	for parts := e.Key(); parts.Next(); {
		part := parts.Node()
		if key == "" {
			line = p.Shape(part.Raw).Start.Line
		} else {
			key += "."
		}
		key += string(part.Data)
	}
	return key, line
}
