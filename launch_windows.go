package bgtask

import (
	"os"
	"slices"
	"strings"

	"github.com/bgtask/bgtask/task"
)

// embedding is the flag that COM appends to the command line of a server which it
// starts. Older documentation has it with a slash.
var embedding = []string{"-Embedding", "/Embedding"}

// launched is found out before main: the flag is taken out of os.Args, so that a
// program with flags of its own starts, and one that looks at its arguments does
// not find one more.
var launched = takeEmbedding(&os.Args)

func takeEmbedding(args *[]string) bool {
	n := len(*args)
	*args = slices.DeleteFunc(slices.Clone(*args), func(arg string) bool {
		return slices.ContainsFunc(embedding, func(flag string) bool { return strings.EqualFold(arg, flag) })
	})
	return len(*args) < n
}

// launchToken names no launch here; it is not zero in a process that COM started.
func launchToken() (token task.LaunchToken) {
	if launched {
		token[0] = 1
	}
	return token
}
