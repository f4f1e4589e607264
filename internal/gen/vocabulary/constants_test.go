package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVocabularyIsCurrent(t *testing.T) {
	want, err := constants("../../../task")
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../../vocabulary_constants.go")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(have), string(want)); d != "" {
		t.Errorf("vocabulary_constants.go is out of date. Run: go generate ./task\n%s", d)
	}
}
