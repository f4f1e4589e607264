package declaration

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // logos may be JPEG files
	"image/png"
	"os"

	"github.com/bgtask/bgtask/task"
)

// Paths of the logos in every package.
const (
	storeLogo = "Images/StoreLogo.png"
	tileLogo  = "Images/Square150x150Logo.png"
	listLogo  = "Images/Square44x44Logo.png"
)

var logoSizes = []struct {
	name string
	size int
}{{storeLogo, 50}, {tileLogo, 150}, {listLogo, 44}}

// Asset is a generated file.
type Asset struct {
	Name string // path in the package, with slashes
	Data []byte
}

// Assets returns the logos, made from the picture in the declaration, or drawn in
// a color derived from the package's name. The same declaration always gives the
// same bytes.
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

// leastPicture and mostPicture are the limits for a picture's width and height. The
// least is the size of the largest logo; the most limits the memory for decoding.
const leastPicture, mostPicture = 150, 4096

// picture returns the picture named in the declaration, or nil if there is none.
func (d *Declaration) picture() (image.Image, error) {
	if d.Logo == "" {
		return nil, nil
	}
	name := d.place(d.Logo)
	refuse := func(detail string) (image.Image, error) {
		return nil, &task.Error{Op: "make the logos", Subject: name, Err: task.ErrInvalid, Detail: detail, Hint: "use a square PNG or JPEG of 150 to 4096 pixels"}
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
		return refuse(fmt.Sprintf("the picture has %d x %d pixels", config.Width, config.Height))
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return refuse(err.Error())
	}
	return img, nil
}
