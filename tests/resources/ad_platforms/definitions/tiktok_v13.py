"""What TikTok's documentation of the Marketing API v1.3 names (November 2026): its SDK types no fields and no metrics.

What belongs here: words of lists and of basic reports. What does not: parameters, which the SDK has.
"""

from resources.ad_platforms.fields import listed

ADVERTISER = listed(
    """
    advertiser_id owner_bc_id status role rejection_reason name timezone display_timezone company
    company_name_editable industry address country advertiser_account_type currency contacter email
    cellphone_number telephone_number language license_no license_url description balance create_time
    """
)
CAMPAIGN = listed(
    """
    advertiser_id campaign_id campaign_name campaign_type budget budget_mode operation_status secondary_status
    objective objective_type create_time modify_time is_new_structure campaign_app_profile_page_state
    special_industries is_smart_performance_campaign app_id app_promotion_type bid_type roas_bid rf_campaign_type
    split_test_variable budget_optimize_on optimization_goal virtual_objective_type sales_destination
    is_search_campaign
    """
)
AD_GROUP = listed(
    """
    advertiser_id campaign_id campaign_name adgroup_id adgroup_name split_test_group_id split_test_status
    placement_type placements app_id promotion_type store_id identity_id identity_type pixel_id optimization_event
    creative_material_mode audience_ids location_ids gender languages operating_systems budget_mode budget
    scheduled_budget schedule_type schedule_start_time schedule_end_time dayparting optimization_goal
    billing_event bid_type bid_price conversion_bid_price deep_bid_type deep_cpa_bid secondary_status
    operation_status frequency is_new_structure catalog_id product_set_id roas_bid create_time modify_time
    """
)
AD = listed(
    """
    advertiser_id campaign_id campaign_name adgroup_id adgroup_name ad_id ad_name identity_id identity_type
    call_to_action call_to_action_id card_id secondary_status operation_status is_aco image_ids ad_format ad_text
    ad_texts video_id tiktok_item_id app_name landing_page_url landing_page_urls display_name profile_image_url
    impression_tracking_url click_tracking_url deeplink deeplink_type fallback_type playable_url page_id
    creative_authorized is_new_structure create_time modify_time catalog_id item_group_ids product_set_id sku_ids
    """
)
DATA_LEVELS = listed(
    """
    AUCTION_ADVERTISER AUCTION_CAMPAIGN AUCTION_ADGROUP AUCTION_AD
    """
)
DIMENSIONS = listed(
    """
    advertiser_id campaign_id adgroup_id ad_id stat_time_day stat_time_hour
    """
)
FILTERS = listed(
    """
    campaign_ids campaign_type campaign_status adgroup_ids adgroup_status ad_ids ad_status promotion_type
    dpa_target_audience_type create_time
    """
)
METRICS = listed(
    """
    campaign_name objective_type campaign_id adgroup_name placement_type adgroup_id ad_name ad_text promotion_type
    spend cash_spend voucher_spend cpc cpm impressions clicks ctr reach conversion cost_per_conversion
    conversion_rate real_time_conversion result cost_per_result result_rate secondary_goal_result frequency
    currency complete_payment_roas complete_payment cost_per_complete_payment complete_payment_rate
    value_per_complete_payment total_complete_payment_rate page_browse_view total_page_browse_view_value
    button_click total_button_click_value online_consult total_online_consult_value user_registration
    total_user_registration_value product_details_page_browse total_product_details_page_browse_value
    web_event_add_to_cart total_web_event_add_to_cart_value on_web_order total_on_web_order_value
    initiate_checkout total_initiate_checkout_value add_billing total_add_billing_value page_event_search
    total_page_event_search_value form total_form_value download_start total_download_start_value
    on_web_add_to_wishlist total_on_web_add_to_wishlist_value on_web_subscribe total_on_web_subscribe_value
    """
)
# Of the pages on supported secondary statuses, those that an account with auction campaigns meets.
STATUSES = listed(
    """
    CAMPAIGN_STATUS_DELETE CAMPAIGN_STATUS_ADVERTISER_AUDIT_DENY CAMPAIGN_STATUS_ADVERTISER_AUDIT
    ADVERTISER_CONTRACT_PENDING ADVERTISER_ACCOUNT_PUNISH CAMPAIGN_STATUS_BUDGET_EXCEED
    CAMPAIGN_STATUS_IDENTITY_USED_BY_GMV_MAX_AD CAMPAIGN_STATUS_DISABLE CAMPAIGN_STATUS_AWAITING_RELEASE
    CAMPAIGN_STATUS_ENABLE ADGROUP_STATUS_CAMPAIGN_DELETE ADGROUP_STATUS_DELETE ADGROUP_STATUS_CAMPAIGN_DISABLE
    ADGROUP_STATUS_DISABLE ADGROUP_STATUS_ADVERTISER_AUDIT_DENY ADGROUP_STATUS_ADVERTISER_AUDIT
    ADGROUP_STATUS_BALANCE_EXCEED ADGROUP_STATUS_CREATE ADGROUP_STATUS_TRANSCODING_FAIL ADGROUP_STATUS_AUDIT
    ADGROUP_STATUS_REAUDIT ADGROUP_STATUS_AUDIT_DENY ADGROUP_STATUS_PARTIAL_AUDIT_NO_DELIVERY
    ADGROUP_STATUS_LIVE_NOT_START ADGROUP_STATUS_INDUSTRY_QUALIFICATION_MISSING
    ADGROUP_STATUS_INDUSTRY_QUALIFICATION_EXPIRED ADGROUP_STATUS_INDUSTRY_QUALIFICATION_DENY
    ADGROUP_STATUS_CAMPAIGN_EXCEED ADGROUP_STATUS_BUDGET_EXCEED ADGROUP_STATUS_FROZEN
    ADGROUP_STATUS_ADGROUP_PRE_ONLINE ADGROUP_STATUS_NOT_START ADGROUP_STATUS_ASSET_AUTHORIZATION_LOST
    ADGROUP_STATUS_PIXEL_UNBIND ADGROUP_STATUS_ADGROUP_QUOTA_LIMIT ADGROUP_STATUS_IDENTITY_USED_BY_GMV_MAX_AD
    ADGROUP_STATUS_SEARCH_KEYWORDS_IN_REVIEW ADGROUP_STATUS_SEARCH_KEYWORDS_NOT_AVAILABLE
    ADGROUP_STATUS_SEARCH_KEYWORDS_PARTIAL_APPROVED ADGROUP_STATUS_PARTIAL_AUDIT_DELIVERY_OK
    ADGROUP_STATUS_SHADOW_ADGROUP_REAUDIT ADGROUP_STATUS_DELIVERY_OK ADGROUP_STATUS_REVIEW_PARTIALLY_APPROVED
    ADGROUP_STATUS_TIME_DONE AD_STATUS_CAMPAIGN_DELETE AD_STATUS_ADGROUP_DELETE AD_STATUS_DELETE
    AD_STATUS_ADVERTISER_AUDIT_DENY AD_STATUS_ADVERTISER_AUDIT AD_STATUS_LIVE_OFFLINE AD_STATUS_BALANCE_EXCEED
    AD_STATUS_ADGROUP_PARTIAL_AUDIT_NO_DELIVERY AD_STATUS_PARTIAL_AUDIT_NO_DELIVERY AD_STATUS_ADGROUP_AUDIT_DENY
    AD_STATUS_ADGROUP_INDUSTRY_QUALIFICATION_MISSING AD_STATUS_ADGROUP_INDUSTRY_QUALIFICATION_EXPIRED
    AD_STATUS_ADGROUP_INDUSTRY_QUALIFICATION_DENY AD_STATUS_MUSIC_AUTHORIZATION_MISSING AD_STATUS_TRANSCODING_FAIL
    AD_STATUS_AUDIT AD_STATUS_REAUDIT AD_STATUS_AUDIT_DENY AD_STATUS_PROCESS_AUDIO AD_STATUS_CAMPAIGN_EXCEED
    AD_STATUS_BUDGET_EXCEED AD_STATUS_AD_PRE_ONLINE AD_STATUS_NOT_START AD_STATUS_ADGROUP_ASSET_AUTHORIZATION_LOST
    AD_STATUS_ASSET_AUTHORIZATION_LOST AD_STATUS_AD_QUOTA_LIMIT AD_STATUS_PRODUCT_UNAVAILABLE
    AD_STATUS_ANCHOR_UNAVAILABLE AD_STATUS_NO_AUTHORIZATION_OF_SHOWCASE AD_STATUS_PARTIAL_AUDIT_DELIVERY_OK
    AD_STATUS_REVIEW_PARTIALLY_APPROVED AD_STATUS_DELIVERY_OK AD_STATUS_CAMPAIGN_DISABLE AD_STATUS_ADGROUP_DISABLE
    AD_STATUS_DISABLE AD_STATUS_DONE AD_STATUS_RF_ADGROUP_CLOSED
    """
)
