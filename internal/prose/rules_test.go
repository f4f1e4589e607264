package prose

import (
	"regexp"
	"testing"
)

// rule is a phrase that must not appear.
type rule struct {
	pattern *regexp.Regexp
	instead string // what to write
	bad     string // an example that the pattern matches
	good    string // a similar phrase that it does not match
}

// word makes a pattern for whole words, in lower or upper case.
func word(expr string) *regexp.Regexp { return regexp.MustCompile(`(?i)\b(?:` + expr + `)\b`) }

// allowed are phrases that are plain English although a rule matches inside of them.
var allowed = word(`cannot tell|tells? [a-z ]{1,30} apart|told apart`)

// rules are checked in order. The example of a rule is what made it necessary.
var rules = []rule{
	{word(`tells?|told`), "reports, returns, logs, says or shows", "the broker tells the host", "the host cannot tell; the class tells packages apart"},
	{word(`nobody|somebody|whoever`), "the component that does it, or the passive", "nobody knows the fact", "no source reports the fact"},
	{word(`for ever`), "forever", "it is held for ever", "it is held forever"},
	{word(`can not`), "cannot", "it can not start", "it can note that"},
	{word(`misspelt|learnt|whilst|amongst`), "the American spelling", "a misspelt key", "a misspelled key"},
	{word(`[a-z]*(?:colour|behaviour|neighbour|favourite|honour)[a-z]*|cancell(?:ed|ing)|catalogue|programme`), "the American spelling", "without colours", "a cancellation, a programmer"},
	{word(`(?:recogni|normali|initiali|seriali|synchroni|optimi|summari)s(?:e[ds]?|ing|ation)`), "the American spelling, with z", "it is recognised", "it is recognized"},
	{word(`without a word|in silence|a word more`), "silently, or what is missing", "it goes away without a word", "a word without meaning"},
	{word(`hears? of|heard of|speaks? of|spoke of`), "receives, learns about, mentions", "the loop hears of it", "the loop hears nothing"},
	{word(`(?:program|broker|engine|code|table|system) (?:itself )?goes by`), "uses", "the tables that the program itself goes by", "as time goes by"},
	{word(`goes on (?:with|to)|go on with`), "continues, follows", "it goes on with what is written", "it goes one step further"},
	{word(`(?:came|comes?) to that`), "what happened", "before it came to that", "it came to a stop"},
	{regexp.MustCompile(`(?i)\b(?:it|this|that|which|they|what) (?:is|are) none(?:[.,;:)]|$)`), "is not valid, does not exist", "a hash that is none.", "there are none"},
	{word(`(?:it|this|that|which|%q|%s) is no [a-km-z][a-z]*`), "is not a", "this is no sandbox", "it is no longer held; there is no broker"},
	{word(`of (?:its|their|his|your|our) own`), "its own X", "a process of its own", "its own process, on its own"},
	{word(`at once`), "immediately, or at the same time", "it runs at once", "once at startup"},
	{word(`at (?:most|least) so (?:long|many|much)|so (?:long|many) (?:attempts|launches|lines)`), "this long, this number", "wait at most so long", "so that it lasts"},
	{word(`all the same`), "anyway, or identical", "it installs it all the same", "all of the same kind"},
	{word(`is had|are had|who asks`), "is received, the caller", "who asks gets an error", "whoops, it had none"},
	{word(`(?:line|object|row) an? (?:line|task|event|object|run)`), "one line per task", "one line a task", "one line per task"},
	{regexp.MustCompile(`(?i)\bno more(?:[.,;:)]|$)`), "no longer, not anymore", "it is trusted no more", "no more than three"},
	{word(`in trouble first`), "those needing attention first", "in trouble first", "no trouble"},
	{word(`(?:said|held|handed) to (?:nobody|somebody)|are the words of others`), "untrusted text", "facts are the words of others", "other words"},
}

func TestRules(t *testing.T) {
	for _, r := range rules {
		if !r.pattern.MatchString(r.bad) {
			t.Errorf("%v does not match %q", r.pattern, r.bad)
		}
		for _, f := range find(r.good) {
			t.Errorf("%q is found in %q, which is plain English", f.phrase, r.good)
		}
		if r.instead == "" {
			t.Errorf("%v does not say what to write instead", r.pattern)
		}
	}
}
