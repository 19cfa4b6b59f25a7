// The one place that decides who may do what. Until accounts exist, a name is all there is to know
// about a person, and everyone on the server counts as everyone's friend.
#pragma once

#include <string_view>

namespace hushcast::people {

/// Who asks. Empty: nobody in particular.
struct Viewer {
    std::string_view name;
};

enum class Action { SeePage, SeeStatus, Listen, Broadcast, SeeRecordings, FetchRecording };

/// Whether `viewer` may do `action` with what belongs to `owner`.
bool may(const Viewer& viewer, Action action, std::string_view owner);

/// User names: 2 to 32 of A-Z a-z 0-9 _ . - (S1).
bool is_valid_name(std::string_view name);

}  // namespace hushcast::people
