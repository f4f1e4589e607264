package declaration

import (
	"fmt"

	"github.com/pelletier/go-toml/v2/unstable"
)

// findLines says in which line each key of a TOML text stands: "name",
// "tasks.1.class". The text is one that the decoder has accepted.
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

// keyOf is the dotted key of an expression and its line.
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
