package declaration

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Marshal returns the declaration as a readable TOML text with the keys that are
// set and short comments.
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
	line("name", d.Name, "with publisher, the permanent identity of the package")
	line("publisher", d.Publisher, "the subject of the signing certificate")
	line("version", d.Version, "four numbers; increase it for each update")
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

// quote returns a string in TOML syntax, which has the same escapes as JSON.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return `""` // a string can always be encoded
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
}
