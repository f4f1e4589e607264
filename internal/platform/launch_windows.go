package platform

import (
	"os"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// embedding lists the spellings of the flag that COM appends to the command line of
// a server it starts. Older documentation spells it with a slash.
var embedding = []string{"-Embedding", "/Embedding"}

// launched is set before main runs, and the flag is removed from os.Args. A program
// that parses its own flags would otherwise fail on an unknown one.
var launched = takeEmbedding(&os.Args)

func takeEmbedding(args *[]string) bool {
	n := len(*args)
	*args = slices.DeleteFunc(slices.Clone(*args), func(arg string) bool {
		return slices.ContainsFunc(embedding, func(flag string) bool { return strings.EqualFold(arg, flag) })
	})
	return len(*args) < n
}

// LaunchToken returns a non-zero token in a process that COM started. Windows has no
// launch tokens; only whether it is zero means something here.
func LaunchToken() (token task.LaunchToken) {
	if launched {
		token[0] = 1
	}
	return token
}
