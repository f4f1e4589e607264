package declaration

import (
	"hash/fnv"
	"image"
	"image/color"
	"math"
)

// draw draws the logo of a package without one: a clock on a rounded tile, in a
// color derived from the name.
func draw(name string, size int) image.Image {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	hue := float64(h.Sum32()%360) / 360
	const samples = 4 // per pixel in each direction
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			var sum [4]float64 // premultiplied
			for i := range samples * samples {
				u := (float64(x) + (float64(i%samples)+0.5)/samples) / float64(size)
				v := (float64(y) + (float64(i/samples)+0.5)/samples) / float64(size)
				r, g, b, a := at(u, v, hue)
				sum[0], sum[1], sum[2], sum[3] = sum[0]+r*a, sum[1]+g*a, sum[2]+b*a, sum[3]+a
			}
			img.SetNRGBA(x, y, pixel(sum, samples*samples))
		}
	}
	return img
}

func pixel(sum [4]float64, count float64) color.NRGBA {
	if sum[3] == 0 {
		return color.NRGBA{}
	}
	part := func(v float64) uint8 { return uint8(math.Round(255 * min(1, v))) }
	return color.NRGBA{part(sum[0] / sum[3]), part(sum[1] / sum[3]), part(sum[2] / sum[3]), part(sum[3] / count)}
}

// at returns the color of the drawing at a point of the unit square.
func at(u, v, hue float64) (r, g, b, a float64) {
	x, y := u-0.5, v-0.5
	if rounded(x, y, 0.46, 0.12) > 0 {
		return 0, 0, 0, 0
	}
	distance := math.Hypot(x, y)
	ring := math.Abs(distance-0.27) < 0.035
	hour := segment(x, y, 0.12, 0.07) < 0.03
	minute := segment(x, y, 0, -0.18) < 0.03
	if ring || hour || minute {
		return 1, 1, 1, 1
	}
	r, g, b = shade(hue, 0.55, 0.78-0.25*v)
	return r, g, b, 1
}

// rounded returns the distance to a square with rounded corners, negative inside.
func rounded(x, y, half, radius float64) float64 {
	dx, dy := math.Abs(x)-half+radius, math.Abs(y)-half+radius
	return math.Hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius
}

// segment returns the distance to the line from the center to a point.
func segment(x, y, toX, toY float64) float64 {
	t := (x*toX + y*toY) / (toX*toX + toY*toY)
	t = max(0, min(1, t))
	return math.Hypot(x-t*toX, y-t*toY)
}

// shade converts hue, saturation and value to RGB.
func shade(hue, saturation, value float64) (r, g, b float64) {
	part := func(n float64) float64 {
		k := math.Mod(n+hue*6, 6)
		return value - value*saturation*max(0, min(k, 4-k, 1))
	}
	return part(5), part(3), part(1)
}

// shrink scales a picture down: each pixel is the mean of the pixels that it
// covers.
func shrink(src image.Image, size int) image.Image {
	bounds := src.Bounds()
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			x0, x1 := x*bounds.Dx()/size, (x+1)*bounds.Dx()/size
			y0, y1 := y*bounds.Dy()/size, (y+1)*bounds.Dy()/size
			var sum [4]float64
			for j := y0; j < y1; j++ {
				for i := x0; i < x1; i++ {
					r, g, b, a := src.At(bounds.Min.X+i, bounds.Min.Y+j).RGBA() // premultiplied
					for k, c := range []uint32{r, g, b, a} {
						sum[k] += float64(c) / 0xffff
					}
				}
			}
			img.SetNRGBA(x, y, pixel(sum, float64((x1-x0)*(y1-y0))))
		}
	}
	return img
}
