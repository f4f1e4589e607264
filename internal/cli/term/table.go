package term

import (
	"strings"
)

// Cell is the text of a table's cell, and its color.
type Cell struct {
	Text  string
	Color Color
}

// Text returns a cell without a color.
func Text(s string) Cell { return Cell{Text: s} }

// Colored returns a cell with a color.
func Colored(c Color, s string) Cell { return Cell{s, c} }

// Table is rows of cells below a row of headings.
type Table struct{ rows [][]Cell }

// NewTable returns a table with these headings.
func NewTable(headings ...string) *Table {
	t := new(Table)
	cells := make([]Cell, len(headings))
	for i, h := range headings {
		cells[i] = Text(h)
	}
	t.Add(cells...)
	return t
}

// Add adds a row. Only the first line of each text is shown.
func (t *Table) Add(cells ...Cell) {
	for i := range cells {
		cells[i].Text = OneLine(cells[i].Text)
	}
	t.rows = append(t.rows, cells)
}

// Table prints t with aligned columns. On a terminal, lines that are too long are cut.
func (tty *Terminal) Table(t *Table) {
	widths := t.widths()
	shown := tty.Screen.fitting(widths)
	for _, row := range t.rows {
		tty.Printf("%s\n", tty.Screen.line(row[:min(len(row), shown)], widths))
	}
}

// fitting returns how many columns of a table are shown. A column of which only a few
// letters would fit is left out, and so are those after it.
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
