package com

import (
	"bytes"
	"encoding/binary"
	"testing"
	"unsafe"

	"github.com/bgtask/bgtask/task"
)

// published are identifiers from the Windows SDK
// (winrt/windows.foundation.collections.h, windows.foundation.h) with their
// signatures.
var published = []struct{ iid, signature string }{
	{"e2fcc7c1-3bfc-5a0b-b2b0-72e769d1cb7e", SignatureOf(MustGUID("faa585ea-6214-4217-afda-7f46de5869b3"), "string")},                                                                                        // IIterable<String>
	{"8c304ebb-6615-50a4-8829-879ecd443236", SignatureOf(MustGUID("6a79e863-4300-459a-9966-cbb660963ee1"), "string")},                                                                                        // IIterator<String>
	{"2f13c006-a03a-5f69-b090-75a43e33423e", SignatureOf(MustGUID("bbe1fa4c-b0e3-4583-baef-1f1b2e483e56"), "string")},                                                                                        // IVectorView<String>
	{"1b0d3570-0877-5ec2-8a2c-3b9539506aca", SignatureOf(MustGUID("3c2925fe-8519-45c1-aa79-197b6718c1c1"), "string", "cinterface(IInspectable)")},                                                            // IMap<String, Object>
	{"bb78502a-f79d-54fa-92c9-90c5039fdf7e", SignatureOf(MustGUID("e480ce40-a338-4ada-adcf-272272e48cb9"), "string", "cinterface(IInspectable)")},                                                            // IMapView<String, Object>
	{"09335560-6c6b-5a26-9348-97b781132b20", SignatureOf(MustGUID("02b51929-c1c4-4a7e-8940-0312b5c18500"), "string", "cinterface(IInspectable)")},                                                            // IKeyValuePair<String, Object>
	{"c1d3d1a2-ae17-5a5f-b5a2-bdcc8844889a", SignatureOf(MustGUID("fcdcf02c-e5d8-4478-915a-4d90b74b83a5"), "b1")},                                                                                            // AsyncOperationCompletedHandler<Boolean>
	{"cdb5efb3-5788-509d-9be1-71ccb8a3362a", SignatureOf(MustGUID("9fc2b0bb-e446-44e2-aa61-9cab8f636af2"), "b1")},                                                                                            // IAsyncOperation<Boolean>
	{"5e52f8ce-aced-5a42-95b4-f674dd84885e", SignatureOf(MustGUID("9fc2b0bb-e446-44e2-aa61-9cab8f636af2"), ClassSignature("Windows.Storage.StorageFile", MustGUID("fa3f6186-4214-428c-a64c-14c9ac7315ea")))}, // IAsyncOperation<StorageFile>
}

func TestInstanceIID(t *testing.T) {
	for _, p := range published {
		if got := InstanceIID(p.signature).String(); got != p.iid {
			t.Errorf("%s is %s, not %s", p.signature, got, p.iid)
		}
	}
}

func TestGUIDHasTheLayoutOfWindows(t *testing.T) {
	const text = "14c5882b-35d3-41be-86b2-5106269b97e6"
	g := MustGUID(text)
	if g.String() != text || g.Task() != task.MustGUID(text) || MustGUID("{"+text+"}") != g {
		t.Errorf("%v, %v", g, g.Task())
	}
	if unsafe.Sizeof(g) != 16 || unsafe.Alignof(g) != 4 || unsafe.Offsetof(g.Data2) != 4 || unsafe.Offsetof(g.Data3) != 6 || unsafe.Offsetof(g.Data4) != 8 {
		t.Error("the layout differs from Windows'")
	}
	var memory bytes.Buffer
	if err := binary.Write(&memory, binary.LittleEndian, g); err != nil {
		t.Fatal(err)
	}
	want := []byte{0x2b, 0x88, 0xc5, 0x14, 0xd3, 0x35, 0xbe, 0x41, 0x86, 0xb2, 0x51, 0x06, 0x26, 0x9b, 0x97, 0xe6}
	if !bytes.Equal(memory.Bytes(), want) {
		t.Errorf("in memory % x", memory.Bytes())
	}
}
