// Package prose keeps the language of the command line and of the documents plain. It
// is one test, with a list of phrases that must not appear and what to write instead.
package prose
