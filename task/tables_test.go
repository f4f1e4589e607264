package task

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// windowsTriggers are the classes that implement IBackgroundTrigger in the
// metadata of Windows, in its order.
const windowsTriggers = `ActivitySensorTrigger AppBroadcastTrigger ApplicationTrigger AppointmentStoreNotificationTrigger
BluetoothLEAdvertisementPublisherTrigger BluetoothLEAdvertisementWatcherTrigger CachedFileUpdaterTrigger ChatMessageNotificationTrigger
ChatMessageReceivedNotificationTrigger CommunicationBlockingAppSetAsActiveTrigger ContactStoreNotificationTrigger ContentPrefetchTrigger
ConversationalAgentTrigger CustomSystemEventTrigger DeviceConnectionChangeTrigger DeviceManufacturerNotificationTrigger DeviceServicingTrigger
DeviceUseTrigger DeviceWatcherTrigger EmailStoreNotificationTrigger GattCharacteristicNotificationTrigger GattServiceProviderTrigger
GeovisitTrigger LocationTrigger MaintenanceTrigger MediaProcessingTrigger MobileBroadbandDeviceServiceNotificationTrigger
MobileBroadbandPcoDataChangeTrigger MobileBroadbandPinLockStateChangeTrigger MobileBroadbandRadioStateChangeTrigger
MobileBroadbandRegistrationStateChangeTrigger NetworkOperatorDataUsageTrigger NetworkOperatorHotspotAuthenticationTrigger
NetworkOperatorNotificationTrigger PaymentAppCanMakePaymentTrigger PhoneTrigger PushNotificationTrigger RcsEndUserMessageAvailableTrigger
RfcommConnectionTrigger SecondaryAuthenticationFactorAuthenticationTrigger SensorDataThresholdTrigger SmartCardTrigger SmsMessageReceivedTrigger
SocketActivityTrigger StorageLibraryChangeTrackerTrigger StorageLibraryContentChangedTrigger SystemTrigger TetheringEntitlementCheckTrigger
TimeTrigger ToastNotificationActionTrigger ToastNotificationHistoryChangedTrigger UserNotificationChangedTrigger
WiFiOnDemandHotspotConnectTrigger WiFiOnDemandHotspotUpdateMetadataTrigger`

// goTriggers are the types that implement Trigger and can fire.
var goTriggers = []Trigger{
	TimeTrigger{}, MaintenanceTrigger{}, CalendarTrigger{}, SystemTrigger{}, ApplicationTrigger{}, CustomSystemEventTrigger{},
	StorageLibraryContentChangedTrigger{}, SocketActivityTrigger{}, DeviceWatcherTrigger{},
	ToastNotificationActionTrigger{}, PushNotificationTrigger{},
}

func TestTriggerTableIsWhole(t *testing.T) {
	var windows, supported []string
	for _, row := range TriggerClasses() {
		if row.Windows {
			windows = append(windows, row.Class)
		}
		if row.Support == Supported {
			supported = append(supported, row.Class)
		}
		if row.Why == "" || strings.HasSuffix(row.Why, ".") || strings.ContainsAny(row.Why+row.Source, "|\n") {
			t.Errorf("%s: %q is no sentence for a table", row.Class, row.Why)
		}
		if (row.Support == Refused) != (row.Source == "") {
			t.Errorf("%s is %v and has the source %q", row.Class, row.Support, row.Source)
		}
	}
	if want := strings.Fields(windowsTriggers); len(want) != 54 || !slices.Equal(windows, want) {
		t.Errorf("%d classes of Windows, want the 54 of its metadata: %q", len(windows), windows)
	}
	var types []string
	for _, tr := range goTriggers {
		types = append(types, tr.Class())
	}
	slices.Sort(types)
	if !slices.Equal(types, supported) {
		t.Errorf("supported are %q, and there are types for %q", supported, types)
	}
	if !slices.IsSortedFunc(TriggerClasses(), func(a, b TriggerRow) int { return strings.Compare(a.Class, b.Class) }) {
		t.Error("the table is not sorted")
	}
}

// TestValidateAsksTheTable: a row that is not supported is refused, whatever
// types there are.
func TestValidateAsksTheTable(t *testing.T) {
	i := slices.IndexFunc(triggerRows, func(row TriggerRow) bool { return row.Class == "TimeTrigger" })
	triggerRows[i].Support = Later
	defer func() { triggerRows[i].Support = Supported }()
	if err := good().Validate(); !errors.Is(err, ErrTriggerNotSupported) {
		t.Errorf("accepted: %v", err)
	}
}

func TestConditionTable(t *testing.T) {
	windows := strings.Fields("UserPresent UserNotPresent InternetAvailable InternetNotAvailable SessionConnected SessionDisconnected FreeNetworkAvailable BackgroundWorkCostNotHigh")
	for i, row := range SystemConditions() {
		if row.Windows != (i < 8) || i < 8 && (row.Name != windows[i] || int(row.Condition) != i+1) {
			t.Errorf("row %d: %+v", i, row)
		}
		for _, c := range row.Excludes {
			other, ok := c.Row()
			if !ok || !slices.Contains(other.Excludes, row.Condition) {
				t.Errorf("%s excludes %v, but not the other way round", row.Name, c)
			}
		}
		for _, n := range row.Needs {
			if n.Met(Unknown) && n.Fact != FactWorkCost {
				t.Errorf("%s holds when nothing is known", row.Name)
			}
		}
		for _, word := range []string{row.Name, row.Word} {
			if c, err := ParseCondition(word); err != nil || c != row.Condition {
				t.Errorf("%q is read as %v (%v)", word, c, err)
			}
		}
	}
}

func TestSystemTriggerTable(t *testing.T) {
	names := strings.Fields(`SmsReceived UserPresent UserAway NetworkStateChange ControlChannelReset InternetAvailable SessionConnected ServicingComplete
		LockScreenApplicationAdded LockScreenApplicationRemoved TimeZoneChange OnlineIdConnectedStateChange BackgroundWorkCostChange PowerStateChange DefaultSignInAccountChange`)
	for i, row := range SystemTriggerTypes() {
		if row.Name != names[i] || int(row.Type) != i+1 || row.Why == "" {
			t.Errorf("row %d: %+v", i, row)
		}
		if got, err := ParseSystemTriggerType(row.Name); err != nil || got != row.Type {
			t.Errorf("%s is read as %v (%v)", row.Name, got, err)
		}
	}
	if len(SystemTriggerTypes()) != len(names) {
		t.Errorf("%d types, want %d", len(SystemTriggerTypes()), len(names))
	}
	tests := []struct {
		t     SystemTriggerType
		a, b  Value
		fires bool
	}{
		{OnInternetAvailable, No, Yes, true}, {OnInternetAvailable, Yes, No, false}, {OnInternetAvailable, Unknown, Yes, false},
		{OnUserAway, Present, Away, true}, {OnUserAway, Away, Present, false}, {OnPowerStateChange, "charging", "idle", true},
		{OnPowerStateChange, "charging", "charging", false}, {OnTimeZoneChange, "+01:00", Unknown, false}, {OnInvalid, No, Yes, false}, {16, No, Yes, false},
	}
	for _, tt := range tests {
		if got := tt.t.Fires(tt.a, tt.b); got != tt.fires {
			t.Errorf("%v from %v to %v: %v", tt.t, tt.a, tt.b, got)
		}
	}
	if _, err := ParseSystemTriggerType(""); err == nil {
		t.Error("the empty word is a type") // refused rows have no word
	}
}
