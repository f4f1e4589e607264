package term

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/pflag"

	"github.com/bgtask/bgtask/task"
)

// duration is the value of a flag that takes a duration; see ParseDuration.
type duration struct{ d *time.Duration }

// DurationVar defines a flag that takes a duration.
func DurationVar(flags *pflag.FlagSet, d *time.Duration, name, help string) {
	flags.Var(duration{d}, name, help)
}

func (v duration) String() string {
	if v.d == nil || *v.d == 0 {
		return ""
	}
	return v.d.String()
}

func (v duration) Type() string { return "DURATION" }

func (v duration) Set(s string) (err error) {
	*v.d, err = ParseDuration(s)
	return err
}

var daysAndWeeks = regexp.MustCompile(`^(?:([0-9]{1,5})w)?(?:([0-9]{1,5})d)?`)

// ParseDuration parses "90s", "6h", "1d12h" or "2w": Go's syntax, with weeks and days
// before it. The duration is positive and at most 50 years.
func ParseDuration(s string) (time.Duration, error) {
	const day = 24 * time.Hour
	parts := daysAndWeeks.FindStringSubmatch(s)
	var d time.Duration
	for i, unit := range []time.Duration{7 * day, day} {
		if parts[i+1] != "" {
			n, _ := strconv.Atoi(parts[i+1]) // at most five digits
			d += time.Duration(n) * unit
		}
	}
	if rest := s[len(parts[0]):]; rest != "" || d == 0 {
		more, err := time.ParseDuration(rest)
		if err != nil {
			return 0, fmt.Errorf("%q is not a duration; write 90s, 20m, 6h or 1d12h", s)
		}
		if more < 0 {
			return 0, fmt.Errorf("%q is negative", s)
		}
		d += more
	}
	switch {
	case d <= 0:
		return 0, fmt.Errorf("%q is zero", s)
	case d > task.MaxInterval:
		return 0, fmt.Errorf("%q is more than 50 years", s)
	}
	return d, nil
}
