package declaration

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // logos may be
	"image/png"
	"os"

	"github.com/bgtask/bgtask/task"
)

// The logos that every package has, as paths in it.
const (
	storeLogo = "Images/StoreLogo.png"
	tileLogo  = "Images/Square150x150Logo.png"
	listLogo  = "Images/Square44x44Logo.png"
)

var logoSizes = []struct {
	name string
	size int
}{{storeLogo, 50}, {tileLogo, 150}, {listLogo, 44}}

// Asset is a file that the tool makes.
type Asset struct {
	Name string // its path in the package, with slashes
	Data []byte
}

// Assets makes the logos: from the picture that the declaration names, else drawn,
// in a color of the package's name. The same declaration gives the same bytes.
func (d *Declaration) Assets() ([]Asset, error) {
	picture, err := d.picture()
	if err != nil {
		return nil, err
	}
	var assets []Asset
	for _, logo := range logoSizes {
		var img image.Image
		if picture != nil {
			img = shrink(picture, logo.size)
		} else {
			img = draw(d.Name, logo.size)
		}
		var b bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img); err != nil {
			return nil, err
		}
		assets = append(assets, Asset{logo.name, b.Bytes()})
	}
	return assets, nil
}

// The least and the most that a picture may measure; the largest logo is made of
// the first without a loss, and the second is what a decoder is trusted with.
const leastPicture, mostPicture = 150, 4096

// picture is the one that the declaration names, nil where it names none.
func (d *Declaration) picture() (image.Image, error) {
	if d.Logo == "" {
		return nil, nil
	}
	name := d.place(d.Logo)
	refuse := func(detail string) (image.Image, error) {
		return nil, &task.Error{Op: "make the logos", Subject: name, Err: task.ErrInvalid, Detail: detail, Hint: "logo names a square PNG or JPEG of 150 pixels or more"}
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return refuse(err.Error())
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	switch {
	case err != nil:
		return refuse(err.Error())
	case config.Width != config.Height || config.Width < leastPicture || config.Width > mostPicture:
		return refuse(fmt.Sprintf("it has %d x %d pixels", config.Width, config.Height))
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return refuse(err.Error())
	}
	return img, nil
}
