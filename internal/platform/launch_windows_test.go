package platform

import (
	"slices"
	"testing"
)

// TestEmbedding checks that COM's flag is recognized at any position and removed, so
// that the program parses its own flags as if COM had added none.
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
