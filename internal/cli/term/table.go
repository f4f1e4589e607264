package term

import (
	"strings"
)

// Cell is text with a colour.
type Cell struct {
	Text  string
	Color Color
}

func Text(s string) Cell             { return Cell{Text: s} }
func Colored(c Color, s string) Cell { return Cell{s, c} }

// Table is rows of cells under a heading.
type Table struct{ rows [][]Cell }

func NewTable(headings ...string) *Table {
	t := new(Table)
	cells := make([]Cell, len(headings))
	for i, h := range headings {
		cells[i] = Text(h)
	}
	t.Add(cells...)
	return t
}

func (t *Table) Add(cells ...Cell) {
	for i := range cells {
		cells[i].Text = OneLine(cells[i].Text)
	}
	t.rows = append(t.rows, cells)
}

// Table aligns the columns; on a terminal a line that is too long is cut.
func (tty *Terminal) Table(t *Table) {
	widths := t.widths()
	shown := tty.Screen.fitting(widths)
	for _, row := range t.rows {
		tty.Printf("%s\n", tty.Screen.line(row[:min(len(row), shown)], widths))
	}
}

// fitting is how many columns of a table are shown: one of which only a letter or
// two could be read is left out, and those after it.
func (s Screen) fitting(widths []int) int {
	const readable = 8
	left := s.Width
	for i, w := range widths {
		if s.Terminal && s.Width > 0 && i > 0 && left < min(w, readable) {
			return i
		}
		left -= w + gap
	}
	return len(widths)
}

func (t *Table) widths() []int {
	var widths []int
	for _, row := range t.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Columns(c.Text))
		}
	}
	return widths
}

const gap = 2 // columns between two cells

func (s Screen) line(row []Cell, widths []int) string {
	var b strings.Builder
	left := s.Width
	pending := 0 // blanks before the next cell that has text
	for i, c := range row {
		if c.Text == "" {
			pending += widths[i] + gap
			continue
		}
		b.WriteString(strings.Repeat(" ", pending))
		shown := c.Text
		if s.Terminal && s.Width > 0 {
			if left -= pending; left <= 0 {
				break
			}
			shown = Cut(shown, left)
			left -= Columns(shown)
		}
		b.WriteString(s.Paint(c.Color, shown))
		pending = max(0, widths[i]-Columns(shown)) + gap
	}
	return strings.TrimRight(b.String(), " ")
}
