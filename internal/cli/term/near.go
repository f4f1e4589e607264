package term

import (
	"slices"
	"strings"
)

// DidYouMean is the hint that names the candidates nearest to word, "did you mean
// list?". It is "" when none is near.
func DidYouMean(word string, candidates []string) string { return Suggest(Nearest(word, candidates)) }

// Suggest is the hint that names what was probably meant; "" for none.
func Suggest(near []string) string {
	if len(near) == 0 {
		return ""
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}

// Nearest returns the candidates that word was probably meant to be, at most two.
func Nearest(word string, candidates []string) []string {
	if word == "" {
		return nil
	}
	const shown = 2
	best, least := []string(nil), max(1, len(word)/3)+1
	lower := strings.ToLower(word)
	for _, c := range slices.Compact(slices.Sorted(slices.Values(candidates))) {
		d := distance(lower, strings.ToLower(c))
		if len(lower) >= 3 && strings.HasPrefix(strings.ToLower(c), lower) {
			d = min(d, 1)
		}
		switch {
		case d < least:
			best, least = []string{c}, d
		case d == least && len(best) > 0 && len(best) < shown:
			best = append(best, c)
		}
	}
	return best
}

// distance counts the letters to change, insert, remove or swap with a neighbor to make
// b of a.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	var before, last []int
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last, row = last, row, make([]int, len(y)+1)
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(y)]
}
