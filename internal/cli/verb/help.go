package verb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bgtask/bgtask/internal/cli/term"
)

// helpColumns is the width of a help text where the terminal's is not known, and the
// greatest that is used: longer lines are hard to read.
const helpColumns = 80

// Help prints what c does and how to use it. Paragraphs and flags are wrapped to the
// width of the terminal; lines that begin with a space are printed as written.
func (e *Env) Help(c *cobra.Command) {
	width := helpColumns
	if e.Screen.Width > 0 {
		width = min(e.Screen.Width, helpColumns)
	}
	h := &helpText{width: width}
	h.paragraphs(cmp.Or(c.Long, c.Short))
	h.usage(c)
	if c.HasExample() {
		h.title("Examples")
		h.line(strings.TrimRight(c.Example, "\n"))
	}
	h.verbs(c)
	global := c.Root().PersistentFlags()
	h.flags("Flags", c.Flags(), func(f *pflag.Flag) bool { return global.Lookup(f.Name) == nil })
	h.flags("Global flags", global, func(*pflag.Flag) bool { return true })
	if c.HasAvailableSubCommands() {
		h.line(fmt.Sprintf("\n'%s VERB --help' explains a verb.", c.CommandPath()))
	}
	e.Printf("%s", h.String())
}

// helpText is a help text in the making.
type helpText struct {
	strings.Builder
	width int
}

func (h *helpText) line(s string) { h.WriteString(s + "\n") }

func (h *helpText) title(s string) { h.line("\n" + s + ":") }

// paragraphs fills the lines of each paragraph anew.
func (h *helpText) paragraphs(text string) {
	var words []string
	flush := func() {
		if len(words) > 0 {
			h.line(term.WrapAt(strings.Join(words, " "), 0, h.width))
		}
		words = nil
	}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		switch {
		case line == "" || line[0] == ' ' || line[0] == '\t':
			flush()
			h.line(line)
		default:
			words = append(words, strings.Fields(line)...)
		}
	}
	flush()
}

func (h *helpText) usage(c *cobra.Command) {
	h.title("Usage")
	if c.Runnable() {
		use := c.UseLine()
		if !c.LocalNonPersistentFlags().HasFlags() {
			use = strings.TrimSuffix(use, " [flags]")
		}
		h.line(term.WrapAt("  "+use, 4, h.width))
	}
	if c.HasAvailableSubCommands() {
		h.line("  " + c.CommandPath() + " VERB ...")
	}
}

// verbs lists the verbs below c under the titles of their groups, those of no group
// first.
func (h *helpText) verbs(c *cobra.Command) {
	groups := append([]*cobra.Group{{Title: "Verbs"}}, c.Groups()...)
	width := 0
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			width = max(width, len(sub.Name()))
		}
	}
	for _, group := range groups {
		titled := false
		for _, sub := range c.Commands() {
			if !sub.IsAvailableCommand() || sub.GroupID != group.ID {
				continue
			}
			if !titled {
				h.title(group.Title)
				titled = true
			}
			h.line(term.WrapAt(fmt.Sprintf("  %-*s  %s", width, sub.Name(), sub.Short), width+4, h.width))
		}
	}
}

// flagColumns is the widest a flag with its value may be beside its explanation.
const flagColumns = 28

func (h *helpText) flags(title string, all *pflag.FlagSet, wanted func(*pflag.Flag) bool) {
	var names, texts []string
	width := 0
	all.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || !wanted(f) {
			return
		}
		value, text := pflag.UnquoteUsage(f)
		names, texts = append(names, flagName(f, value)), append(texts, text+flagDefault(f))
		if n := len(names[len(names)-1]); n <= flagColumns {
			width = max(width, n)
		}
	})
	if len(names) == 0 {
		return
	}
	h.title(title)
	for i, name := range names {
		if len(name) > width {
			h.line("  " + name)
			name = ""
		}
		h.line(term.WrapAt(fmt.Sprintf("  %-*s  %s", width, name, texts[i]), width+4, h.width))
	}
}

// flagName is "-o, --out FILE".
func flagName(f *pflag.Flag, value string) string {
	name := "    --" + f.Name
	if f.Shorthand != "" {
		name = "-" + f.Shorthand + ", --" + f.Name
	}
	return strings.TrimRight(name+" "+value, " ")
}

// flagDefault names a default that the flag's type does not imply.
func flagDefault(f *pflag.Flag) string {
	if slices.Contains([]string{"", "0", "false", "[]", "0s"}, f.DefValue) || strings.Contains(f.Usage, "default") {
		return ""
	}
	return fmt.Sprintf(" (default %s)", f.DefValue)
}
