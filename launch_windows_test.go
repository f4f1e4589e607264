package bgtask

import (
	"slices"
	"testing"
)

// TestEmbedding: COM's flag is found wherever it stands, and taken out, so that the
// program's own flags are read as if it were not there.
func TestEmbedding(t *testing.T) {
	for _, c := range []struct {
		args     []string
		launched bool
		left     []string
	}{
		{[]string{"app.exe"}, false, []string{"app.exe"}},
		{[]string{"app.exe", "-StartServer", "-Embedding"}, true, []string{"app.exe", "-StartServer"}},
		{[]string{"app.exe", "-embedding", "-v"}, true, []string{"app.exe", "-v"}},
		{[]string{"app.exe", "/Embedding"}, true, []string{"app.exe"}},
		{[]string{"app.exe", "-Embeddings"}, false, []string{"app.exe", "-Embeddings"}},
	} {
		args := slices.Clone(c.args)
		if got := takeEmbedding(&args); got != c.launched || !slices.Equal(args, c.left) {
			t.Errorf("%q: %v, %q", c.args, got, args)
		}
	}
}
