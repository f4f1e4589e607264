package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bgtask/bgtask/internal/cli/term"
)

// TestManifestText checks what check and show print, on every kind of screen.
func TestManifestText(t *testing.T) {
	t.Chdir("testdata")
	var b strings.Builder
	for _, s := range []term.Screen{colors, narrow, pipe} {
		b.WriteString(transcript(fixed(), s, "manifest", "check", "manifest"))
		b.WriteString(transcript(fixed(), s, "manifest", "show", "manifest"))
	}
	for _, verb := range []string{"check", "show"} {
		var out bytes.Buffer
		a := appOn(fixed(), &term.Terminal{Stdin: strings.NewReader(""), Stdout: &out, Stderr: new(bytes.Buffer)})
		a.run(testContext, []string{"--json", "manifest", verb, "manifest"})
		b.WriteString("$ bgtask --json manifest " + verb + " manifest\n" + indented(t, out.String()))
	}
	golden(t, "manifest.txt", strings.ReplaceAll(b.String(), "\x1b", "␛"))
}
