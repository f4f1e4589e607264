package winrt

import "github.com/bgtask/bgtask/internal/com"

// LocalFolder returns the folder of the application's data,
// ApplicationData.Current.LocalFolder.
func LocalFolder() (path string, err error) {
	statics, err := ApplicationDataStatics.factory(ClassApplicationData)
	if err != nil {
		return "", err
	}
	defer statics.Release()
	data, err := get[*com.Unknown](ApplicationDataStatics, statics, "get_Current")
	if err != nil {
		return "", err
	}
	defer data.Release()
	folder, err := get[*com.Unknown](ApplicationData, data, "get_LocalFolder")
	if err != nil {
		return "", err
	}
	defer folder.Release()
	err = with(folder, StorageItem, func(item *com.Unknown) (err error) {
		path, err = StorageItem.text(item, "get_Path")
		return err
	})
	return path, err
}
