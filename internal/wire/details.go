package wire

import (
	pb "github.com/bgtask/bgtask/proto/bgtask/v1"
	"github.com/bgtask/bgtask/task"
)

// maxChangedBytes bounds the changed paths of one activation, so that it always fits
// into a message. If some paths are left out, Overflow is set.
const maxChangedBytes = 256 << 10

func detailsTo(details task.Details) *pb.Details {
	switch t := details.(type) {
	case task.TimeTriggerDetails:
		return &pb.Details{Kind: &pb.Details_Time{Time: &pb.TimeTriggerDetails{Due: timeTo(t.Due), Missed: uint32(t.Missed)}}}
	case task.SystemTriggerDetails:
		return &pb.Details{Kind: &pb.Details_System{System: &pb.SystemTriggerDetails{
			Type: pb.SystemTriggerType(t.Type), Old: text(string(t.Old)), New: text(string(t.New))}}}
	case task.ApplicationTriggerDetails:
		return &pb.Details{Kind: &pb.Details_Application{Application: &pb.ApplicationTriggerDetails{Arguments: t.Arguments}}}
	case task.CustomSystemEventTriggerDetails:
		return &pb.Details{Kind: &pb.Details_CustomSystemEvent{CustomSystemEvent: &pb.CustomSystemEventTriggerDetails{Id: text(t.ID), Payload: t.Payload}}}
	case task.StorageLibraryContentChangedTriggerDetails:
		return &pb.Details{Kind: &pb.Details_StorageLibraryContentChanged{StorageLibraryContentChanged: changedTo(t)}}
	case task.SocketActivityTriggerDetails:
		return &pb.Details{Kind: &pb.Details_SocketActivity{SocketActivity: &pb.SocketActivityTriggerDetails{Address: text(t.Address)}}}
	case task.DeviceWatcherTriggerDetails:
		return &pb.Details{Kind: &pb.Details_DeviceWatcher{DeviceWatcher: &pb.DeviceWatcherTriggerDetails{
			Action: text(t.Action), Device: text(t.Device), Properties: propertiesTo(t.Properties)}}}
	case task.ToastNotificationActionTriggerDetails:
		return &pb.Details{Kind: &pb.Details_ToastNotificationAction{ToastNotificationAction: &pb.ToastNotificationActionTriggerDetails{
			Action: text(t.Action), Id: t.ID, Tag: text(t.Tag), UserInput: text(t.UserInput), ActivationToken: text(t.ActivationToken)}}}
	case task.PushNotificationTriggerDetails:
		return &pb.Details{Kind: &pb.Details_PushNotification{PushNotification: &pb.PushNotificationTriggerDetails{Content: t.Content}}}
	case task.ManualDetails:
		return &pb.Details{Kind: &pb.Details_Manual{Manual: &pb.ManualDetails{Arguments: t.Arguments}}}
	}
	return nil
}

func changedTo(t task.StorageLibraryContentChangedTriggerDetails) *pb.StorageLibraryContentChangedTriggerDetails {
	m := &pb.StorageLibraryContentChangedTriggerDetails{Overflow: t.Overflow}
	size := 0
	for _, path := range texts(t.Paths) { // names that are not UTF-8 become longer
		if size += len(path); size > maxChangedBytes || len(m.Paths) == task.MaxChangedPaths || len(path) > task.MaxPath {
			m.Overflow = true
			break
		}
		m.Paths = append(m.Paths, path)
	}
	return m
}

func (d *decoder) details(m *pb.Details) task.Details {
	switch t := m.GetKind().(type) {
	case *pb.Details_Time:
		return task.TimeTriggerDetails{Due: d.time("due", t.Time.GetDue()), Missed: int(t.Time.GetMissed())}
	case *pb.Details_System:
		return task.SystemTriggerDetails{
			Type: enum[task.SystemTriggerType](d, "type", t.System.GetType()),
			Old:  d.value("old", t.System.GetOld()),
			New:  d.value("new", t.System.GetNew()),
		}
	case *pb.Details_Application:
		return task.ApplicationTriggerDetails{Arguments: d.bytes("arguments", t.Application.GetArguments(), task.MaxPayload)}
	case *pb.Details_CustomSystemEvent:
		return task.CustomSystemEventTriggerDetails{
			ID:      d.text("id", t.CustomSystemEvent.GetId(), task.MaxName),
			Payload: d.bytes("payload", t.CustomSystemEvent.GetPayload(), task.MaxPayload),
		}
	case *pb.Details_StorageLibraryContentChanged:
		return task.StorageLibraryContentChangedTriggerDetails{
			Paths:    d.texts("paths", t.StorageLibraryContentChanged.GetPaths(), task.MaxChangedPaths, task.MaxPath),
			Overflow: t.StorageLibraryContentChanged.GetOverflow(),
		}
	case *pb.Details_SocketActivity:
		return task.SocketActivityTriggerDetails{Address: d.text("address", t.SocketActivity.GetAddress(), task.MaxPath)}
	case *pb.Details_DeviceWatcher:
		return task.DeviceWatcherTriggerDetails{
			Action:     d.text("action", t.DeviceWatcher.GetAction(), task.MaxName),
			Device:     d.text("device", t.DeviceWatcher.GetDevice(), task.MaxPath),
			Properties: d.properties("properties", t.DeviceWatcher.GetProperties()),
		}
	case *pb.Details_ToastNotificationAction:
		return task.ToastNotificationActionTriggerDetails{
			Action:          d.text("action", t.ToastNotificationAction.GetAction(), task.MaxName),
			ID:              t.ToastNotificationAction.GetId(),
			Tag:             d.text("tag", t.ToastNotificationAction.GetTag(), task.MaxName),
			UserInput:       d.text("user_input", t.ToastNotificationAction.GetUserInput(), task.MaxPayload),
			ActivationToken: d.text("activation_token", t.ToastNotificationAction.GetActivationToken(), task.MaxFactValue),
		}
	case *pb.Details_PushNotification:
		return task.PushNotificationTriggerDetails{Content: d.bytes("content", t.PushNotification.GetContent(), task.MaxPayload)}
	case *pb.Details_Manual:
		return task.ManualDetails{Arguments: d.bytes("arguments", t.Manual.GetArguments(), task.MaxPayload)}
	}
	return nil
}
