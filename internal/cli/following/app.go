package following

import "github.com/bgtask/bgtask/internal/cli/verb"

// app is what the verbs of this package share.
type app struct{ *verb.Env }
