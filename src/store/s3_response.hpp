#pragma once

#include "store/http_client.hpp"
#include "store/object_store.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::store {

/// What an S3 server says is wrong; empty if it says nothing of that sort.
struct S3Error {
  std::string code;
  std::string message;
};
S3Error parse_s3_error(std::string_view xml);

struct ListedPage {
  std::vector<ObjectStore::Listed> objects;
  std::string next;  ///< the token for the next page; empty if this is the last
};
/// Throws InputError if it is no listing.
ListedPage parse_listing(std::string_view xml);

/// The id of the multipart upload that was begun; empty if there is none in it.
std::string parse_upload_id(std::string_view xml);

/// The request that completes an upload of parts with these ETags.
std::string completion_xml(const std::vector<std::string>& etags);

/// Why the request failed and what to do, in one paragraph: `doing` ("get"), the object or prefix,
/// and where. Holds nothing secret, whatever the server says.
std::string explain_failure(std::string_view doing, const ObjectName& name, const S3Config& config,
                            const HttpResponse& response);

}  // namespace sluice::store
