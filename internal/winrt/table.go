package winrt

import "github.com/bgtask/bgtask/internal/com"

// Interface is a row of the table: an interface with its methods in slot order.
// Methods after the last one in use may be omitted. The second of two methods
// with the same name has the suffix "2".
type Interface struct {
	Name     string // with its namespace
	IID      com.GUID
	Delegate bool // derived from IUnknown, not from IInspectable
	Methods  []string
}

// Slot returns the slot of a method. It panics if there is no such method, which
// is a programming error.
func (i *Interface) Slot(method string) int {
	first := com.FirstInspectable
	if i.Delegate {
		first = com.FirstUnknown
	}
	for n, m := range i.Methods {
		if m == method {
			return first + n
		}
	}
	panic("winrt: " + i.Name + " has no method " + method)
}

const (
	background  = "Windows.ApplicationModel.Background."
	foundation  = "Windows.Foundation."
	collections = "Windows.Foundation.Collections."
)

// Classes of the Windows Runtime.
const (
	ClassBuilder            = background + "BackgroundTaskBuilder"
	ClassRegistration       = background + "BackgroundTaskRegistration"
	ClassGroup              = background + "BackgroundTaskRegistrationGroup"
	ClassInstance           = background + "BackgroundTaskInstance"
	ClassDeferral           = background + "BackgroundTaskDeferral"
	ClassTimeTrigger        = background + "TimeTrigger"
	ClassMaintenanceTrigger = background + "MaintenanceTrigger"
	ClassSystemTrigger      = background + "SystemTrigger"
	ClassApplicationTrigger = background + "ApplicationTrigger"
	ClassPushTrigger        = background + "PushNotificationTrigger"
	ClassToastTrigger       = background + "ToastNotificationActionTrigger"
	ClassCondition          = background + "SystemCondition"
	ClassExecutionManager   = background + "BackgroundExecutionManager"
	ClassWorkCost           = background + "BackgroundWorkCost"
	ClassApplicationData    = "Windows.Storage.ApplicationData"
	ClassValueSet           = collections + "ValueSet"
	ClassPropertyValue      = foundation + "PropertyValue"
	enumApplicationResult   = background + "ApplicationTriggerResult"
	enumBackgroundAccess    = background + "BackgroundAccessStatus"
	keyArguments            = "bgtask.arguments" // key of the bytes in a ValueSet
)

// Interfaces.
var (
	Task     = row(background+"IBackgroundTask", "7d13d534-fd12-43ce-8c22-ea1ff13c06df", "Run")
	Instance = row(background+"IBackgroundTaskInstance", "865bda7a-21d8-4573-8f32-928a1b0641f6",
		"get_InstanceId", "get_Task", "get_Progress", "put_Progress", "get_TriggerDetails", "add_Canceled", "remove_Canceled", "get_SuspendedCount", "GetDeferral")
	Deferral  = row(background+"IBackgroundTaskDeferral", "93cc156d-af27-4dd3-846e-24ee40cadd25", "Complete")
	Trigger   = row(background+"IBackgroundTrigger", "84b3a058-6027-4b87-9790-bdf3f757dbd7")
	Condition = row(background+"IBackgroundCondition", "ae48a1ee-8951-400a-8302-9c9c9a2a3a3b")

	Builder = row(background+"IBackgroundTaskBuilder", "0351550e-3e64-4572-a93a-84075a37c917",
		"put_TaskEntryPoint", "get_TaskEntryPoint", "SetTrigger", "AddCondition", "put_Name", "get_Name", "Register")
	Builder2 = row(background+"IBackgroundTaskBuilder2", "6ae7cfb1-104f-406d-8db6-844a570f42bb", "put_CancelOnConditionLoss", "get_CancelOnConditionLoss")
	Builder3 = row(background+"IBackgroundTaskBuilder3", "28c74f4a-8ba9-4c09-a24f-19683e2c924c", "put_IsNetworkRequested", "get_IsNetworkRequested")
	Builder4 = row(background+"IBackgroundTaskBuilder4", "4755e522-cba2-4e35-bd16-a6da7f1c19aa", "get_TaskGroup", "put_TaskGroup")
	Builder5 = row(background+"IBackgroundTaskBuilder5", "077103f6-99f5-4af4-bcad-4731d0330d43", "SetTaskEntryPointClsid")

	Registration = row(background+"IBackgroundTaskRegistration", "10654cc2-a26e-43bf-8c12-1fb40dbfbfa0",
		"get_TaskId", "get_Name", "add_Progress", "remove_Progress", "add_Completed", "remove_Completed", "Unregister")
	Registration2        = row(background+"IBackgroundTaskRegistration2", "6138c703-bb86-4112-afc3-7f939b166e3b", "get_Trigger")
	Registration3        = row(background+"IBackgroundTaskRegistration3", "fe338195-9423-4d8b-830d-b1dd2c7badd5", "get_TaskGroup")
	RegistrationStatics  = row(background+"IBackgroundTaskRegistrationStatics", "4c542f69-b000-42ba-a093-6a563c65e3f8", "get_AllTasks")
	RegistrationStatics2 = row(background+"IBackgroundTaskRegistrationStatics2", "174b671e-b20d-4fa9-ad9a-e93ad6c71e01", "get_AllTaskGroups", "GetTaskGroup")
	Group                = row(background+"IBackgroundTaskRegistrationGroup", "2ab1919a-871b-4167-8a76-055cd67b5b23",
		"get_Id", "get_Name", "add_BackgroundActivated", "remove_BackgroundActivated", "get_AllTasks")
	GroupFactory = row(background+"IBackgroundTaskRegistrationGroupFactory", "83d92b69-44cf-4631-9740-03c7d8741bc5", "Create", "CreateWithName")

	TimeTrigger               = row(background+"ITimeTrigger", "656e5556-0b2a-4377-ba70-3b45a935547f", "get_FreshnessTime", "get_OneShot")
	TimeTriggerFactory        = row(background+"ITimeTriggerFactory", "38c682fe-9b54-45e6-b2f3-269b87a6f734", "Create")
	MaintenanceTrigger        = row(background+"IMaintenanceTrigger", "68184c83-fc22-4ce5-841a-7239a9810047", "get_FreshnessTime", "get_OneShot")
	MaintenanceTriggerFactory = row(background+"IMaintenanceTriggerFactory", "4b3ddb2e-97dd-4629-88b0-b06cf9482ae5", "Create")
	SystemTrigger             = row(background+"ISystemTrigger", "1d80c776-3748-4463-8d7e-276dc139ac1c", "get_OneShot", "get_TriggerType")
	SystemTriggerFactory      = row(background+"ISystemTriggerFactory", "e80423d4-8791-4579-8126-87ec8aaa407a", "Create")
	ApplicationTrigger        = row(background+"IApplicationTrigger", "0b468630-9574-492c-9e93-1a3ae6335fe9", "RequestAsync", "RequestAsync2")
	ApplicationTriggerDetails = row(background+"IApplicationTriggerDetails", "97dc6ab2-2219-4a9e-9c5e-41d047f76e82", "get_Arguments")
	PushTriggerFactory        = row(background+"IPushNotificationTriggerFactory", "6dd8ed1b-458e-4fc2-bc2e-d5664f77ed19", "Create")
	RawNotification           = row("Windows.Networking.PushNotifications.IRawNotification", "1a227281-3b79-42ac-9963-22ab00d4f0b7", "get_Content")
	SystemCondition           = row(background+"ISystemCondition", "c15fb476-89c5-420b-abd3-fb3030472128", "get_ConditionType")
	SystemConditionFactory    = row(background+"ISystemConditionFactory", "d269d1f1-05a7-49ae-87d7-16b2b8b9a553", "Create")

	ExecutionManager = row(background+"IBackgroundExecutionManagerStatics", "e826ea58-66a9-4d41-83d4-b4c18c87b846",
		"RequestAccessAsync", "RequestAccessAsync2", "RemoveAccess", "RemoveAccess2", "GetAccessStatus", "GetAccessStatus2")
	WorkCost               = row(background+"IBackgroundWorkCostStatics", "c740a662-c310-4b82-b3e3-3bcfb9e4c77d", "get_CurrentBackgroundWorkCost")
	ApplicationDataStatics = row("Windows.Storage.IApplicationDataStatics", "5612147b-e843-45e3-94d8-06169e3c8e17", "get_Current")
	ApplicationData        = row("Windows.Storage.IApplicationData", "c3da6fb7-b744-4b45-b0b8-223a0938d0dc",
		"get_Version", "SetVersionAsync", "ClearAsync", "ClearAsync2", "get_LocalSettings", "get_RoamingSettings", "get_LocalFolder")
	StorageItem = row("Windows.Storage.IStorageItem", "4207a996-ca2f-42f7-bde8-8b10457a7f30",
		"RenameAsync", "RenameAsync2", "DeleteAsync", "DeleteAsync2", "GetBasicPropertiesAsync", "get_Name", "get_Path")

	CompletedArgs    = row(background+"IBackgroundTaskCompletedEventArgs", "565d25cf-f209-48f4-9967-2b184f7bfbf0", "get_InstanceId", "CheckResult")
	ProgressArgs     = row(background+"IBackgroundTaskProgressEventArgs", "fb1468ac-8332-4d0a-9532-03eae684da31", "get_InstanceId", "get_Progress")
	CanceledHandler  = delegate(background+"BackgroundTaskCanceledEventHandler", "a6c4bac0-51f8-4c57-ac3f-156dd1680c4f")
	CompletedHandler = delegate(background+"BackgroundTaskCompletedEventHandler", "5b38e929-a086-46a7-a678-439135822bcf")
	ProgressHandler  = delegate(background+"BackgroundTaskProgressEventHandler", "46e0683c-8a88-4c99-804c-76897f6277a6")

	AsyncInfo     = row(foundation+"IAsyncInfo", "00000036-0000-0000-c000-000000000046", "get_Id", "get_Status", "get_ErrorCode", "Cancel", "Close")
	PropertyValue = row(foundation+"IPropertyValue", "4bd682dd-7554-40e9-9a9b-82654ede7e62",
		"get_Type", "get_IsNumericScalar", "GetUInt8", "GetInt16", "GetUInt16", "GetInt32", "GetUInt32", "GetInt64", "GetUInt64", "GetSingle", "GetDouble",
		"GetChar16", "GetBoolean", "GetString", "GetGuid", "GetDateTime", "GetTimeSpan", "GetPoint", "GetSize", "GetRect", "GetUInt8Array")
	PropertyValueStatics = row(foundation+"IPropertyValueStatics", "629bdbc8-d932-4ff4-96b9-8d96c5c1e858",
		"CreateEmpty", "CreateUInt8", "CreateInt16", "CreateUInt16", "CreateInt32", "CreateUInt32", "CreateInt64", "CreateUInt64", "CreateSingle", "CreateDouble",
		"CreateChar16", "CreateBoolean", "CreateString", "CreateInspectable", "CreateGuid", "CreateDateTime", "CreateTimeSpan", "CreatePoint", "CreateSize",
		"CreateRect", "CreateUInt8Array")
)

// Parameterized interfaces, without parameters. Each instance has its own IID.
var (
	asyncOperation   = row(foundation+"IAsyncOperation`1", "9fc2b0bb-e446-44e2-aa61-9cab8f636af2", "put_Completed", "get_Completed", "GetResults")
	completedHandler = delegate(foundation+"AsyncOperationCompletedHandler`1", "fcdcf02c-e5d8-4478-915a-4d90b74b83a5")
	iterable         = row(collections+"IIterable`1", "faa585ea-6214-4217-afda-7f46de5869b3", "First")
	iterator         = row(collections+"IIterator`1", "6a79e863-4300-459a-9966-cbb660963ee1", "get_Current", "get_HasCurrent", "MoveNext", "GetMany")
	keyValuePair     = row(collections+"IKeyValuePair`2", "02b51929-c1c4-4a7e-8940-0312b5c18500", "get_Key", "get_Value")
	mapView          = row(collections+"IMapView`2", "e480ce40-a338-4ada-adcf-272272e48cb9", "Lookup", "get_Size", "HasKey", "Split")
	mapOf            = row(collections+"IMap`2", "3c2925fe-8519-45c1-aa79-197b6718c1c1", "Lookup", "get_Size", "HasKey", "GetView", "Insert", "Remove", "Clear")
)

// Signatures of parameters.
var (
	sigRegistration      = "{" + Registration.IID.String() + "}" // the interface itself
	sigRegistrationClass = com.ClassSignature(ClassRegistration, Registration.IID)
	sigGroupClass        = com.ClassSignature(ClassGroup, Group.IID)
	sigObject            = "cinterface(IInspectable)"
)

const (
	sigGUID   = "g16"
	sigString = "string"
)

// Instances of the parameterized interfaces.
var (
	TaskMap         = mapOfTasks(sigRegistration)      // type of BackgroundTaskRegistration.AllTasks
	GroupTaskMap    = mapOfTasks(sigRegistrationClass) // type of a group's AllTasks
	GroupMap        = viewOf(sigString, sigGroupClass)
	ObjectMap       = instance(mapOf, sigString, sigObject) // type of a ValueSet
	RequestResult   = operation(com.EnumSignature(enumApplicationResult))
	AccessOperation = operation(com.EnumSignature(enumBackgroundAccess))
)

// View is a read-only map with the interfaces needed to iterate over it.
type View struct{ Map, Iterable, Iterator, Pair *Interface }

func mapOfTasks(registration string) View { return viewOf(sigGUID, registration) }

func viewOf(key, value string) View {
	pair := com.SignatureOf(keyValuePair.IID, key, value)
	return View{
		Map: instance(mapView, key, value), Iterable: instance(iterable, pair), Iterator: instance(iterator, pair), Pair: instance(keyValuePair, key, value),
	}
}

// Operation is an asynchronous operation with its completion handler.
type Operation struct{ Operation, Handler *Interface }

func operation(result string) Operation {
	return Operation{Operation: instance(asyncOperation, result), Handler: instance(completedHandler, result)}
}

func instance(generic *Interface, arguments ...string) *Interface {
	made := *generic
	made.IID = com.InstanceIID(com.SignatureOf(generic.IID, arguments...))
	return &made
}

func row(name, iid string, methods ...string) *Interface {
	return &Interface{Name: name, IID: com.MustGUID(iid), Methods: methods}
}

func delegate(name, iid string) *Interface {
	d := row(name, iid, "Invoke")
	d.Delegate = true
	return d
}

// Interfaces returns the table, without the instances of parameterized
// interfaces.
func Interfaces() []*Interface {
	return []*Interface{
		Task, Instance, Deferral, Trigger, Condition, Builder, Builder2, Builder3, Builder4, Builder5, Registration, Registration2, Registration3,
		RegistrationStatics, RegistrationStatics2, Group, GroupFactory, TimeTrigger, TimeTriggerFactory, MaintenanceTrigger, MaintenanceTriggerFactory,
		SystemTrigger, SystemTriggerFactory, ApplicationTrigger, ApplicationTriggerDetails, PushTriggerFactory, RawNotification, SystemCondition,
		SystemConditionFactory, ExecutionManager, WorkCost, ApplicationDataStatics, ApplicationData, StorageItem, CompletedArgs, ProgressArgs,
		CanceledHandler, CompletedHandler, ProgressHandler, AsyncInfo, PropertyValue, PropertyValueStatics,
		asyncOperation, completedHandler, iterable, iterator, keyValuePair, mapView, mapOf,
	}
}
