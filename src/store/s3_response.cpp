#include "store/s3_response.hpp"

#include <sluice/error.hpp>

#include <fmt/format.h>
#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <sstream>

namespace sluice::store {
namespace {

pugi::xml_node parse(pugi::xml_document& document, std::string_view xml, const char* root) {
  if (!document.load_buffer(xml.data(), xml.size())) return {};
  return document.child(root);
}

bool is_one_of(std::string_view code, std::initializer_list<std::string_view> codes) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

std::string without_secrets(std::string text, const S3Credentials& credentials) {
  for (const auto* secret :
       {&credentials.secret_key, &credentials.session_token, &credentials.access_key}) {
    if (secret->empty()) continue;
    for (auto at = text.find(*secret); at != std::string::npos; at = text.find(*secret, at)) {
      text.replace(at, secret->size(), "***");
    }
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string no_answer(const S3Config& config, const HttpResponse& response) {
  return fmt::format(
      "{} (attempts: {}); check that the server runs, and AWS_ENDPOINT_URL, which says where, and "
      "for https AWS_CA_BUNDLE",
      without_secrets(response.error, config.credentials), response.attempts);
}

std::string advice(const ObjectName& name, const S3Config& config, const S3Error& error,
                   int status) {
  if (error.code == "NoSuchBucket") {
    return fmt::format("there is no bucket '{}'; make it, or correct the name", name.bucket);
  }
  if (error.code == "NoSuchKey" || (status == 404 && error.code.empty())) {
    return "there is no such object";
  }
  if (error.code == "RequestTimeTooSkewed") return "set this machine's clock right";
  if (error.code == "AccessDenied") {
    return fmt::format("the credentials may not do that; they come from {}",
                       config.credentials.origin);
  }
  if (is_one_of(error.code, {"AuthorizationHeaderMalformed", "PermanentRedirect",
                             "IllegalLocationConstraintException"})) {
    return fmt::format("set AWS_REGION to the bucket's region; now it is '{}'", config.region);
  }
  if (status == 401 || status == 403 || is_one_of(error.code, {"ExpiredToken", "InvalidToken"})) {
    return fmt::format("the server does not accept the credentials; they come from {}",
                       config.credentials.origin);
  }
  return "see what the server's own log says";
}

}  // namespace

S3Error parse_s3_error(std::string_view xml) {
  pugi::xml_document document;
  const auto error = parse(document, xml, "Error");
  return {error.child_value("Code"), error.child_value("Message")};
}

ListedPage parse_listing(std::string_view xml) {
  pugi::xml_document document;
  const auto listing = parse(document, xml, "ListBucketResult");
  if (!listing) throw InputError("the object store sent something else than a listing");
  const bool encoded = std::string_view(listing.child_value("EncodingType")) == "url";
  ListedPage page;
  for (const auto& object : listing.children("Contents")) {
    const std::string key = object.child_value("Key");
    page.objects.push_back({encoded ? percent_decode(key) : key,
                            object.child("Size").text().as_ullong(), object.child_value("ETag")});
  }
  if (listing.child("IsTruncated").text().as_bool()) {
    page.next = listing.child_value("NextContinuationToken");
  }
  return page;
}

std::string parse_upload_id(std::string_view xml) {
  // Servers differ in the name of the element around it.
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size())) return {};
  return document.first_child().child_value("UploadId");
}

std::string completion_xml(const std::vector<std::string>& etags) {
  pugi::xml_document document;
  auto upload = document.append_child("CompleteMultipartUpload");
  for (std::size_t i = 0; i < etags.size(); ++i) {
    auto part = upload.append_child("Part");
    part.append_child("PartNumber").text().set(static_cast<unsigned long long>(i + 1));
    part.append_child("ETag").text().set(etags[i].c_str());
  }
  std::ostringstream text;
  document.save(text, "", pugi::format_raw);
  return text.str();
}

std::string explain_failure(std::string_view doing, const ObjectName& name, const S3Config& config,
                            const HttpResponse& response) {
  const auto what = fmt::format("cannot {} '{}' at {}", doing, s3_uri(name), config.endpoint);
  if (response.status == 0) return fmt::format("{}: {}", what, no_answer(config, response));
  const auto error = parse_s3_error(response.body.view());
  auto says = fmt::format("{}", response.status);
  if (!error.code.empty()) says += " " + error.code;
  if (!error.message.empty()) says += ": " + error.message;
  if (response.attempts > 1) says += fmt::format(" (attempts: {})", response.attempts);
  return fmt::format("{}: {} (the server said: {})", what,
                     advice(name, config, error, response.status),
                     without_secrets(says, config.credentials));
}

}  // namespace sluice::store
