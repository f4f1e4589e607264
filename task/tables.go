package task

//go:generate go run ../internal/gen/compat -o ../doc/COMPATIBILITY.md -contract ../doc/SEMANTICS.md
//go:generate go run ../internal/gen/vocabulary -from . -o ../vocabulary_constants.go

// Support says whether something of Windows is there on this platform.
type Support uint8

// The verdicts.
const (
	Refused   Support = iota // registering is refused, with the reason
	Later                    // refused too; it could be had, and is not yet
	Supported                // it fires
)

// String is the word in the documentation.
func (s Support) String() string {
	return nameOf([]string{"refused", "later", "supported"}, int(s), "Support")
}

// TriggerRow describes a trigger class.
type TriggerRow struct {
	Class   string
	Windows bool // Windows has it
	Support Support
	Source  string // what reports it on Linux; "" when nothing does
	Why     string // a sentence without a full stop: how it fires, or why it cannot
}

// Sentences that several rows share.
const (
	whyModem     = "no modem service is read on this platform"
	whyPhone     = "there is no telephony for applications on this platform"
	whyChat      = "there is no message store for applications on this platform"
	whyBluetooth = "the Bluetooth service is not read yet; a DeviceWatcherTrigger fires when a device comes and goes"
	whyStores    = "the stores of contacts, calendars and mail are not read yet"
	whyPosition  = "the position of the machine is not read yet"
	whySensors   = "sensors are not read yet"
	whyRequested = "use an ApplicationTrigger: the device is opened in Run, with the rights of the user"
)

var triggerRows = []TriggerRow{
	{"ActivitySensorTrigger", true, Refused, "", "no sensor of this platform distinguishes walking from driving"},
	{"AppBroadcastTrigger", true, Refused, "", "there is no broadcast service on this platform"},
	{"ApplicationTrigger", true, Supported, "the broker", "fires when the application asks for it"},
	{"AppointmentStoreNotificationTrigger", true, Later, "Evolution Data Server", whyStores},
	{"BluetoothLEAdvertisementPublisherTrigger", true, Later, "BlueZ", whyBluetooth},
	{"BluetoothLEAdvertisementWatcherTrigger", true, Later, "BlueZ", whyBluetooth},
	{"CachedFileUpdaterTrigger", true, Refused, "", "no file picker of this platform asks applications for the contents of files"},
	{"CalendarTrigger", false, Supported, "the broker's clock", "fires at the instants of a calendar expression; Windows has no such trigger"},
	{"ChatMessageNotificationTrigger", true, Refused, "", whyChat},
	{"ChatMessageReceivedNotificationTrigger", true, Refused, "", whyChat},
	{"CommunicationBlockingAppSetAsActiveTrigger", true, Refused, "", whyPhone},
	{"ContactStoreNotificationTrigger", true, Later, "Evolution Data Server", whyStores},
	{"ContentPrefetchTrigger", true, Refused, "", "use a TimeTrigger with the condition FreeNetworkAvailable, which is what it stands for"},
	{"ConversationalAgentTrigger", true, Refused, "", "there is no voice assistant service on this platform"},
	{"CustomSystemEventTrigger", true, Supported, "the broker", "fires when the event is raised, by the API or with 'bgtask raise'"},
	{"DeviceConnectionChangeTrigger", true, Later, "BlueZ", whyBluetooth},
	{"DeviceManufacturerNotificationTrigger", true, Refused, "", "manufacturers send no notifications to applications on this platform; Windows has deprecated it"},
	{"DeviceServicingTrigger", true, Refused, "", whyRequested},
	{"DeviceUseTrigger", true, Refused, "", whyRequested},
	{"DeviceWatcherTrigger", true, Supported, "the kernel's device events", "fires when a device of a subsystem is added, removed or changed"},
	{"EmailStoreNotificationTrigger", true, Later, "Evolution Data Server", whyStores},
	{"GattCharacteristicNotificationTrigger", true, Later, "BlueZ", whyBluetooth},
	{"GattServiceProviderTrigger", true, Later, "BlueZ", whyBluetooth},
	{"GeovisitTrigger", true, Later, "GeoClue", whyPosition},
	{"LocationTrigger", true, Later, "GeoClue", whyPosition},
	{"MaintenanceTrigger", true, Supported, "the broker's clock, UPower", "fires at an interval, and is held until on AC"},
	{"MediaProcessingTrigger", true, Refused, "", "use an ApplicationTrigger, which does the same"},
	{"MobileBroadbandDeviceServiceNotificationTrigger", true, Refused, "", whyModem},
	{"MobileBroadbandPcoDataChangeTrigger", true, Refused, "", whyModem},
	{"MobileBroadbandPinLockStateChangeTrigger", true, Refused, "", whyModem},
	{"MobileBroadbandRadioStateChangeTrigger", true, Refused, "", whyModem},
	{"MobileBroadbandRegistrationStateChangeTrigger", true, Refused, "", whyModem},
	{"NetworkOperatorDataUsageTrigger", true, Refused, "", whyModem},
	{"NetworkOperatorHotspotAuthenticationTrigger", true, Refused, "", "hotspots are signed in to by the desktop, not by applications, on this platform"},
	{"NetworkOperatorNotificationTrigger", true, Refused, "", whyModem},
	{"PaymentAppCanMakePaymentTrigger", true, Refused, "", "there is no payment service on this platform"},
	{"PhoneTrigger", true, Refused, "", whyPhone},
	{"PushNotificationTrigger", true, Supported, "a UnifiedPush distributor", "fires when a message arrives that was posted to the push channel of the task"},
	{"RcsEndUserMessageAvailableTrigger", true, Refused, "", whyChat},
	{"RfcommConnectionTrigger", true, Later, "BlueZ", whyBluetooth},
	{"SecondaryAuthenticationFactorAuthenticationTrigger", true, Refused, "", "there are no companion devices for signing in on this platform; Windows has deprecated it"},
	{"SensorDataThresholdTrigger", true, Later, "iio-sensor-proxy", whySensors},
	{"SmartCardTrigger", true, Later, "pcscd", "the smart card service is not read yet; a DeviceWatcherTrigger fires when a reader comes and goes"},
	{"SmsMessageReceivedTrigger", true, Refused, "", whyModem},
	{"SocketActivityTrigger", true, Supported, "a socket that the broker holds", "fires when a connection arrives; the listener is handed to the run, to a command by the convention of systemd (LISTEN_FDS)"},
	{"StorageLibraryChangeTrackerTrigger", true, Refused, "", "use a StorageLibraryContentChangedTrigger, whose details name the changed paths"},
	{"StorageLibraryContentChangedTrigger", true, Supported, "inotify", "fires when something under the paths has changed and is quiet again"},
	{"SystemTrigger", true, Supported, "the facts", "fires on the edge of a fact; the types are in the next table"},
	{"TetheringEntitlementCheckTrigger", true, Refused, "", whyModem},
	{"TimeTrigger", true, Supported, "the broker's clock", "fires every Freshness on a fixed grid, or once"},
	{"ToastNotificationActionTrigger", true, Supported, "org.freedesktop.Notifications", "fires when the user acts on a toast that the application has shown with ShowToast"},
	{"ToastNotificationHistoryChangedTrigger", true, Later, "org.freedesktop.Notifications", "the closing of notifications is not followed yet"},
	{"UserNotificationChangedTrigger", true, Refused, "", "an application cannot see the notifications of others on this platform"},
	{"WiFiOnDemandHotspotConnectTrigger", true, Refused, "", "phones offer no hotspot on demand to applications on this platform"},
	{"WiFiOnDemandHotspotUpdateMetadataTrigger", true, Refused, "", "phones offer no hotspot on demand to applications on this platform"},
}

// TriggerClasses is the table of all 54 classes of Windows and of ours, sorted by
// name.
func TriggerClasses() []TriggerRow { return triggerRows }

// TriggerClass finds a trigger by its class name; false when neither Windows nor
// bgtask has such a class.
func TriggerClass(class string) (TriggerRow, bool) {
	for _, row := range triggerRows {
		if row.Class == class {
			return row, true
		}
	}
	return TriggerRow{}, false
}
