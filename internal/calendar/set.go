package calendar

import "math/bits"

// A set holds small numbers: bit n is set if the set contains n.
type set uint64

func (s set) has(n int) bool { return s>>n&1 != 0 }

// from returns the smallest member that is at least n, where n is 0 to 64.
func (s set) from(n int) (int, bool) {
	rest := s >> n << n
	return bits.TrailingZeros64(uint64(rest)), rest != 0
}

func (s set) first() int { return bits.TrailingZeros64(uint64(s)) }

// The range of years in OnCalendar expressions, as in systemd.
const (
	minYear = 1970
	maxYear = 2199
)

// A yearSet holds years from minYear to maxYear, or every year.
type yearSet struct {
	every bool
	named [(maxYear-minYear)/64 + 1]set
}

func (y *yearSet) add(year int) { y.named[(year-minYear)/64] |= 1 << ((year - minYear) % 64) }

func (y *yearSet) has(year int) bool {
	if y.every {
		return true
	}
	return minYear <= year && year <= maxYear && y.named[(year-minYear)/64].has((year-minYear)%64)
}
