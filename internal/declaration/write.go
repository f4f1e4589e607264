package declaration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Marshal writes a declaration as people would: what is set, with a word on what
// it is for.
func (d *Declaration) Marshal() []byte {
	var b bytes.Buffer
	line := func(key, value, comment string) {
		if value == "" {
			return
		}
		text := key + " = " + quote(value)
		if comment != "" {
			text = fmt.Sprintf("%-44s # %s", text, comment)
		}
		b.WriteString(text + "\n")
	}
	line("name", d.Name, "with the publisher, the identity of the package for ever")
	line("publisher", d.Publisher, "the subject of the certificate that signs it")
	line("version", d.Version, "four numbers; raise it for an update")
	line("display_name", d.DisplayName, "")
	line("publisher_display_name", d.PublisherDisplayName, "")
	line("description", d.Description, "")
	line("language", d.Language, "")
	line("application", d.Application, "")
	line("logo", d.Logo, "")
	line("background", d.Background, "")
	line("min_windows", d.MinWindows, "")
	line("tested_windows", d.TestedWindows, "")
	line("program", d.Program, "the Go package of the program")
	line("executable", d.Executable, "its path in the package, without .exe")
	list(&b, "build_flags", d.BuildFlags)
	list(&b, "files", d.Files)
	list(&b, "capabilities", d.Capabilities)
	if len(d.Programs) > 0 {
		b.WriteString("\n[programs]\n")
		for _, platform := range sortedKeys(d.Programs) {
			fmt.Fprintf(&b, "%s = %s\n", quote(platform), quote(d.Programs[platform]))
		}
	}
	for _, t := range d.Tasks {
		b.WriteString("\n[[tasks]]\n")
		line("name", t.Name, "")
		line("class", t.Class, "")
		line("arguments", t.Arguments, "")
	}
	return b.Bytes()
}

func list(b *bytes.Buffer, key string, values []string) {
	if values == nil {
		return
	}
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = quote(v)
	}
	fmt.Fprintf(b, "%s = [%s]\n", key, strings.Join(quoted, ", "))
}

// quote writes a string as TOML has it: its escapes are JSON's.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return `""` // a string can always be encoded
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}
